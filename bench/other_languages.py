"""Sentences about the town's categories in languages that its people do not write: one each, for `bench.words`."""

from __future__ import annotations

_CATEGORIES = ("cooking", "cycling", "fashion", "gaming", "gardening", "home")
_CATEGORIES += ("music", "pets", "photography", "reading", "running", "travel")


def _of(*sentences: str) -> dict[str, tuple[str, ...]]:
    return {category: (sentence,) for category, sentence in zip(_CATEGORIES, sentences, strict=True)}


SENTENCES = {
    "nl": _of(
        "De uien hebben veertig minuten op laag vuur nodig, en de soep smaakt morgen beter.",
        "Twee lekke banden op één fietstocht en maar één binnenband bij me.",
        "Een wollen jas gevonden in de tweedehandswinkel, hij past perfect.",
        "Dertig pogingen voor de eindbaas en een kapotte controller.",
        "De slakken hebben alle sla in de moestuin opgegeten.",
        "De gang geel geverfd, en de bank staat nu onder het raam.",
        "De bassist brak een snaar in het eerste liedje van het concert.",
        "De dierenarts zegt dat mijn kat een kilo moet afvallen.",
        "Veertig foto's van een libel, en maar één is scherp.",
        "Tweehonderd bladzijden in één nacht, nu weet ik wie de moordenaar is.",
        "De laatste drie kilometer bergop gelopen, mijn benen zijn op.",
        "De nachttrein gemist en op het station geslapen, de vlucht gaat om zeven uur.",
    ),
    "it": _of(
        "Le cipolle devono cuocere quaranta minuti a fuoco lento.",
        "Due gomme bucate in un giro in bicicletta e una sola camera d'aria.",
        "Ho trovato un cappotto di lana usato che mi sta perfettamente.",
        "Trenta tentativi contro il boss finale e un controller rotto.",
        "Le lumache hanno mangiato tutta l'insalata dell'orto.",
        "Ho dipinto il corridoio di giallo, e il divano sta sotto la finestra.",
        "Il bassista ha rotto una corda alla prima canzone del concerto.",
        "Il veterinario dice che il mio gatto deve perdere un chilo.",
        "Quaranta scatti a una libellula e solo uno è a fuoco.",
        "Duecento pagine in una notte, ora so chi è l'assassino del romanzo.",
        "Gli ultimi tre chilometri in salita, ho corso e non sento più le gambe.",
        "Ho perso il treno di notte, il passaporto e il volo delle sette.",
    ),
    "pl": _of(
        "Cebula potrzebuje czterdziestu minut na małym ogniu.",
        "Dwie przebite opony na jednej wycieczce rowerowej.",
        "Znalazłam wełniany płaszcz w sklepie z używaną odzieżą.",
        "Trzydzieści prób z ostatnim bossem i zepsuty kontroler.",
        "Ślimaki zjadły całą sałatę w ogrodzie.",
        "Pomalowaliśmy przedpokój na żółto, kanapa stoi pod oknem.",
        "Basista zerwał strunę w pierwszej piosence koncertu.",
        "Weterynarz mówi, że mój kot musi schudnąć.",
        "Czterdzieści zdjęć ważki, jedno jest ostre.",
        "Dwieście stron w jedną noc, teraz wiem, kto jest mordercą.",
        "Ostatnie trzy kilometry biegłem pod górę.",
        "Spóźniłem się na nocny pociąg i spałem na dworcu.",
    ),
    "tr": _of(
        "Soğanlar kısık ateşte kırk dakika pişmeli.",
        "Bir bisiklet turunda iki lastik patladı.",
        "İkinci el dükkânında bana tam uyan bir yün palto buldum.",
        "Son patron için otuz deneme ve kırık bir kumanda.",
        "Salyangozlar bahçedeki bütün marulları yedi.",
        "Koridoru sarıya boyadık, kanepe şimdi pencerenin altında.",
        "Konserin ilk şarkısında basçının teli koptu.",
        "Veteriner kedimin kilo vermesi gerektiğini söylüyor.",
        "Bir yusufçuğun kırk fotoğrafını çektim, biri net.",
        "Bir gecede iki yüz sayfa, artık katili biliyorum.",
        "Son üç kilometreyi yokuş yukarı koştum.",
        "Gece trenini kaçırdım ve istasyonda uyudum.",
    ),
    "ru": _of(
        "Лук надо тушить сорок минут на маленьком огне.",
        "Два прокола за одну поездку на велосипеде.",
        "Нашла шерстяное пальто в комиссионке, сидит идеально.",
        "Тридцать попыток пройти последнего босса.",
        "Слизни съели весь салат на грядке.",
        "Покрасили коридор в жёлтый, диван теперь под окном.",
        "Басист порвал струну на первой песне концерта.",
        "Ветеринар говорит, что моей кошке надо похудеть.",
        "Сорок снимков стрекозы, и только один резкий.",
        "Двести страниц за ночь, теперь я знаю, кто убийца.",
        "Последние три километра бежал в гору.",
        "Опоздал на ночной поезд и спал на вокзале.",
    ),
    "th": _of(
        "หัวหอมต้องผัดไฟอ่อนสี่สิบนาที",
        "ยางจักรยานรั่วสองเส้นในทริปเดียว",
        "เจอเสื้อโค้ทขนสัตว์ในร้านมือสอง ใส่พอดีตัว",
        "สู้บอสตัวสุดท้ายสามสิบรอบ จอยพังเลย",
        "ทากกินผักกาดในสวนหมดเลย",
        "ทาสีทางเดินเป็นสีเหลือง แล้วย้ายโซฟาไปใต้หน้าต่าง",
        "มือเบสสายขาดตั้งแต่เพลงแรกของคอนเสิร์ต",
        "สัตวแพทย์บอกว่าแมวของฉันต้องลดน้ำหนัก",
        "ถ่ายรูปแมลงปอสี่สิบรูป ชัดรูปเดียว",
        "อ่านสองร้อยหน้าในคืนเดียว ในที่สุดก็รู้ว่าใครเป็นฆาตกร",
        "วิ่งขึ้นเขาสามกิโลเมตรสุดท้าย ขาหมดแรง",
        "ตกรถไฟกลางคืน ต้องนอนที่สถานี",
    ),
}
"""Language -> category -> sentences."""
