"""What the town's people write in posts: sentences that speak of an interest and name neither it nor its hashtags.

A post is a greeting or an aside, which says nothing of any interest, and one or two sentences. A handle writes in one
language.
"""

from __future__ import annotations

import zlib

import numpy as np

LANGUAGES = {"en": 0.64, "de": 0.16, "fr": 0.11, "es": 0.09}
"""Language -> share of the handles that write in it."""

TWO_SENTENCES_SHARE = 0.4
SILENT_SHARE = 0.03
"""Posts of two sentences, and those that are emoji alone."""

EMOJI = ("😀🎉", "❤️❤️❤️", "🙌", "☀️☕", "😅", "🔥🔥")

ASIDES = {
    "en": (
        "Good morning everybody.",
        "So, this happened today.",
        "Honest question for the people here:",
        "What a week.",
        "Not sure whether I should laugh or cry.",
        "My neighbour started it.",
        "Small victories!",
        "Anyone else?",
    ),
    "de": (
        "Guten Morgen zusammen.",
        "Also, heute ist das passiert.",
        "Ehrliche Frage in die Runde:",
        "Was für eine Woche.",
        "Ich weiß nicht, ob ich lachen oder weinen soll.",
        "Mein Nachbar hat damit angefangen.",
        "Kleine Erfolge!",
        "Geht es noch jemandem so?",
    ),
    "fr": (
        "Bonjour à tous.",
        "Alors voilà ce qui est arrivé aujourd'hui.",
        "Une vraie question pour vous :",
        "Quelle semaine.",
        "Je ne sais pas s'il faut rire ou pleurer.",
        "C'est mon voisin qui a commencé.",
        "Petites victoires !",
        "Quelqu'un d'autre ?",
    ),
    "es": (
        "Buenos días a todos.",
        "Pues esto ha pasado hoy.",
        "Una pregunta sincera:",
        "Vaya semana.",
        "No sé si reír o llorar.",
        "Empezó mi vecino.",
        "¡Pequeñas victorias!",
        "¿Alguien más?",
    ),
}
"""Language -> eight ways to begin."""

SENTENCES = {
    "running": {
        "en": (
            "The last three kilometres were all uphill and my legs are gone.",
            "New personal best over ten k this morning, still out of breath.",
            "My coach says slow miles first, speed comes later.",
            "Shin splints again, so only stretching until Sunday.",
            "Signed up for the half in spring, twelve weeks of training left.",
            "Laced up at six and had the river path to myself.",
            "Intervals on the track until nobody could speak.",
            "My knees tell me that these shoes have done their eight hundred kilometres.",
            "Sprinting for the bus counts as a workout, right?",
            "The finish line came just before the rain did.",
            "An easy five miles at a pace at which you can still chat.",
            "Blisters on both heels, and a medal around the neck.",
            "Carb loading tonight, start gun at nine.",
            "Heart rate far too high for what should have been a recovery lap.",
        ),
        "de": (
            "Die letzten Kilometer bergauf, jetzt sind die Beine schwer.",
            "Neue Bestzeit über zehn Kilometer, ich bin noch außer Atem.",
            "Der Trainer sagt: erst langsam laufen, dann schnell.",
            "Noch zwölf Wochen Training bis zum Halbmarathon.",
            "Früh um sechs am Fluss entlang gelaufen, ganz allein.",
            "Blasen an den Fersen, aber eine Medaille um den Hals.",
        ),
        "fr": (
            "Les trois derniers kilomètres en montée, je n'ai plus de jambes.",
            "Nouveau record sur dix kilomètres, encore essoufflé.",
            "Encore douze semaines d'entraînement avant la course.",
            "J'ai couru le long de la rivière à six heures du matin.",
            "Des ampoules aux talons, mais une médaille autour du cou.",
        ),
        "es": (
            "Los últimos tres kilómetros cuesta arriba y ya no siento las piernas.",
            "Nueva marca personal en diez kilómetros, sigo sin aliento.",
            "Quedan doce semanas de entrenamiento para la carrera.",
            "Salí a correr junto al río a las seis de la mañana.",
            "Ampollas en los talones y una medalla al cuello.",
        ),
    },
    "cycling": {
        "en": (
            "Two flat tyres on one ride and only one spare tube.",
            "The climb to the pass took me two hours in the smallest gear.",
            "Chain cleaned, brakes set, tomorrow we pedal to the coast.",
            "Headwind both ways, how is that even possible?",
            "My saddle is finally at the right height and the back pain has gone.",
            "A hundred kilometres on two wheels and three pieces of cake.",
            "A driver passed me with ten centimetres to spare, wear your helmet.",
            "New handlebar tape, so the whole thing looks like new.",
            "The derailleur skips whenever I shift under load.",
            "Commuting on the bike lane beats sitting in traffic.",
            "We rode in a group and I hung on to the last wheel.",
            "Should I go tubeless or stay with inner tubes?",
            "The bicycle workshop says that the bottom bracket is worn out.",
            "Downhill at sixty with cold fingers on the levers.",
        ),
        "de": (
            "Zwei platte Reifen auf einer Tour und nur ein Schlauch dabei.",
            "Zwei Stunden im kleinsten Gang den Pass hinauf.",
            "Kette geputzt, Bremsen eingestellt, morgen geht es mit dem Rad ans Meer.",
            "Gegenwind in beide Richtungen.",
            "Endlich stimmt die Höhe vom Sattel.",
            "Hundert Kilometer auf dem Fahrrad und drei Stück Kuchen.",
        ),
        "fr": (
            "Deux pneus crevés pendant la sortie et une seule chambre à air.",
            "Deux heures de montée sur le plus petit pignon.",
            "Chaîne nettoyée, freins réglés, demain on pédale jusqu'à la mer.",
            "La selle est enfin à la bonne hauteur.",
            "Cent kilomètres à bicyclette avec un vent de face.",
        ),
        "es": (
            "Dos pinchazos en una ruta y una sola cámara de repuesto.",
            "Dos horas subiendo el puerto con el piñón más grande.",
            "Cadena limpia y frenos ajustados, mañana pedaleamos hasta la costa.",
            "Por fin el sillín está a la altura correcta.",
            "Cien kilómetros en bicicleta con viento en contra.",
        ),
    },
    "cooking": {
        "en": (
            "The onions need forty minutes on low heat, do not rush them.",
            "My stew is better on the second day, as always.",
            "The dough has rested overnight and the oven is hot.",
            "Too much salt in the soup, a potato did not save it.",
            "Grandmother's dumplings, finally as soft as hers.",
            "A sharp knife makes chopping vegetables a pleasure.",
            "Roasted garlic, olive oil, a pinch of chili: dinner is done.",
            "The sauce curdled because I added the cream too early.",
            "Which cheese do you put in a gratin?",
            "My crust came out crisp, the crumb full of holes.",
            "Eight guests tonight and the chicken is still frozen.",
            "I braised the beef in red wine for four hours.",
            "Fresh basil, ripe tomatoes, nothing else on the pasta.",
            "Pancakes for breakfast, with far too much butter.",
        ),
        "de": (
            "Die Zwiebeln brauchen vierzig Minuten bei kleiner Hitze.",
            "Der Eintopf schmeckt am zweiten Tag noch besser.",
            "Der Teig hat über Nacht geruht, der Ofen ist heiß.",
            "Zu viel Salz in der Suppe.",
            "Knödel wie bei der Großmutter, endlich so weich.",
            "Knoblauch, Olivenöl, etwas Chili: das Abendessen ist fertig.",
        ),
        "fr": (
            "Les oignons doivent cuire quarante minutes à feu doux.",
            "Le ragoût est meilleur le lendemain, comme toujours.",
            "La pâte a reposé toute la nuit et le four est chaud.",
            "Trop de sel dans la soupe.",
            "De l'ail, de l'huile d'olive, un peu de piment : le dîner est prêt.",
        ),
        "es": (
            "Las cebollas necesitan cuarenta minutos a fuego lento.",
            "El guiso está mejor al segundo día, como siempre.",
            "La masa ha reposado toda la noche y el horno está caliente.",
            "Demasiada sal en la sopa.",
            "Ajo, aceite de oliva y un poco de chile: la cena está lista.",
        ),
    },
    "gardening": {
        "en": (
            "Slugs ate every lettuce that I planted out on Monday.",
            "The tomatoes on the balcony are green and it is already autumn.",
            "Pruned the apple tree, and now it looks like a broom.",
            "My hands smell of soil and I would not want it otherwise.",
            "The first tulips are up, weeks too early.",
            "Watering cans in both hands, because the hose leaks.",
            "Which shrub grows in full shade and clay?",
            "Dug the potatoes out of the bed: three buckets.",
            "Aphids everywhere, and not one ladybird in sight.",
            "I sowed carrots in March and got four.",
            "The fern on my windowsill has new leaves.",
            "Weeding for two hours, and tomorrow they are back.",
            "Frost tonight, so the lemon tree comes in.",
            "The lawn is more moss than grass, and blooms all the same.",
        ),
        "de": (
            "Die Schnecken haben den ganzen Salat im Beet gefressen.",
            "Die Tomaten auf dem Balkon sind noch grün.",
            "Den Apfelbaum geschnitten, er sieht aus wie ein Besen.",
            "Die ersten Tulpen blühen, Wochen zu früh.",
            "Zwei Stunden Unkraut gejätet.",
            "Drei Eimer Kartoffeln aus der Erde geholt.",
        ),
        "fr": (
            "Les limaces ont mangé toutes mes salades.",
            "Les tomates du balcon sont encore vertes.",
            "J'ai taillé le pommier, il ressemble à un balai.",
            "Les premières tulipes fleurissent, bien trop tôt.",
            "Deux heures à arracher les mauvaises herbes du jardin.",
        ),
        "es": (
            "Las babosas se han comido todas las lechugas del huerto.",
            "Los tomates del balcón siguen verdes.",
            "He podado el manzano y parece una escoba.",
            "Los primeros tulipanes florecen demasiado pronto.",
            "Dos horas arrancando malas hierbas del jardín.",
        ),
    },
    "photography": {
        "en": (
            "Golden hour over the harbour, and I had the wrong lens on.",
            "A third of a second by hand, and it is sharp all the same.",
            "Forty shots of one dragonfly, one is in focus.",
            "The shutter on my old camera sticks below ten degrees.",
            "I like the grain that you get at a high ISO.",
            "Portraits with a single flash and a white wall.",
            "Scanned the negatives from last summer, two rolls are blank.",
            "Which tripod is light enough to be carried up a mountain?",
            "Depth of field was thinner than an eyelash.",
            "Wide open at f/1.8 the background melts.",
            "Black and white suits this alley better than colour.",
            "Long exposure of the waterfall, thirty seconds with a grey filter.",
            "I overexposed the whole wedding by one stop.",
            "The picture of my grandfather hangs in an exhibition now.",
        ),
        "de": (
            "Goldene Stunde am Hafen, und das falsche Objektiv drauf.",
            "Vierzig Aufnahmen von einer Libelle, eine ist scharf.",
            "Der Verschluss meiner alten Kamera klemmt bei Kälte.",
            "Porträts mit einem Blitz und einer weißen Wand.",
            "Die Negative vom Sommer eingescannt, zwei Filme sind leer.",
            "Schwarzweiß passt besser zu dieser Gasse als Farbe.",
        ),
        "fr": (
            "Lumière dorée sur le port, et je n'avais pas le bon objectif.",
            "Quarante clichés d'une libellule, un seul est net.",
            "L'obturateur de mon vieil appareil se bloque quand il fait froid.",
            "Des portraits avec un seul flash et un mur blanc.",
            "Pose longue sur la cascade, trente secondes avec un filtre gris.",
        ),
        "es": (
            "Luz dorada sobre el puerto y llevaba el objetivo equivocado.",
            "Cuarenta disparos a una libélula y solo uno está enfocado.",
            "El obturador de mi vieja cámara se atasca con el frío.",
            "Retratos con un solo flash y una pared blanca.",
            "Larga exposición de la cascada, treinta segundos con filtro gris.",
        ),
    },
    "gaming": {
        "en": (
            "Rolled a one on the saving throw and our wizard is gone.",
            "The final boss took me thirty tries and a broken controller.",
            "Who else still plays on the console from 1991?",
            "Our campaign is in its third year and the dragon still lives.",
            "We played until two, and I lost every hand of cards.",
            "The new patch made my favourite character useless.",
            "Found a secret level behind the waterfall after ten years.",
            "Looking for two more players for the dungeon on Friday.",
            "My save file is corrupt, sixty hours are lost.",
            "Painted twelve miniatures for the tabletop evening.",
            "The tutorial is longer than the first three quests.",
            "High score on the arcade machine in the pub!",
            "Co-op with my sister, friendly fire is on.",
            "Explaining the rules took longer than the match.",
        ),
        "de": (
            "Eine Eins gewürfelt, unser Zauberer ist tot.",
            "Dreißig Versuche für den Endgegner.",
            "Wer zockt noch auf der Konsole von 1991?",
            "Wir haben bis zwei Uhr gespielt, und ich habe jede Runde verloren.",
            "Der Spielstand ist kaputt, sechzig Stunden sind weg.",
            "Die Spielregeln zu erklären hat länger gedauert als die Partie.",
        ),
        "fr": (
            "J'ai fait un au dé et notre magicien est mort.",
            "Trente essais contre le boss final.",
            "Qui joue encore sur la console de 1991 ?",
            "On a joué jusqu'à deux heures, et j'ai perdu toutes les parties.",
            "Ma sauvegarde est perdue, soixante heures de jeu.",
        ),
        "es": (
            "Saqué un uno con el dado y nuestro mago ha muerto.",
            "Treinta intentos contra el jefe final.",
            "¿Quién juega todavía con la consola de 1991?",
            "Jugamos hasta las dos y perdí todas las partidas.",
            "He perdido la partida guardada, sesenta horas de juego.",
        ),
    },
    "reading": {
        "en": (
            "Two hundred pages in one night, and now I know who the murderer is.",
            "The second volume ends in the middle of a sentence.",
            "My shelf of unread novels grows faster than I can turn pages.",
            "The library lets you borrow twenty at once, dangerous.",
            "A sonnet a day keeps the doctor away.",
            "The author kills everybody that I like.",
            "I always cry at the same chapter.",
            "Does the translation keep the jokes of the original?",
            "A short story about a lighthouse has followed me all week.",
            "Paperback or hardcover, what do you take to bed?",
            "The bookshop around the corner knows my taste better than I do.",
            "I gave up on the trilogy after the prologue.",
            "An unreliable narrator, and I believed every word.",
            "The verses sound best when you say them aloud.",
        ),
        "de": (
            "Zweihundert Seiten in einer Nacht, jetzt kenne ich den Mörder.",
            "Der zweite Band endet mitten im Satz.",
            "Der Stapel ungelesener Romane wächst und wächst.",
            "In der Bücherei darf man zwanzig Bücher ausleihen.",
            "Bei demselben Kapitel muss ich immer weinen.",
            "Die Übersetzung verliert leider die Witze des Originals.",
        ),
        "fr": (
            "Deux cents pages en une nuit, je connais enfin l'assassin.",
            "Le deuxième tome s'arrête au milieu d'une phrase.",
            "Ma pile de romans à lire grandit chaque jour.",
            "À la bibliothèque, on peut emprunter vingt livres.",
            "Je pleure toujours au même chapitre.",
        ),
        "es": (
            "Doscientas páginas en una noche y ya sé quién es el asesino.",
            "El segundo tomo termina en mitad de una frase.",
            "Mi montón de novelas pendientes no deja de crecer.",
            "En la biblioteca se pueden sacar veinte libros.",
            "Siempre lloro en el mismo capítulo.",
        ),
    },
    "music": {
        "en": (
            "The bass player broke a string in the first song.",
            "Practised scales for an hour, my fingertips hurt.",
            "This album gets better every time that I listen to it.",
            "Our choir sings Bach on Sunday, the tenors are nervous.",
            "The needle skips on side B, always at the saxophone solo.",
            "I learned the chords, now only the rhythm is missing.",
            "Front row at the concert, my ears still ring.",
            "The drummer counts in, and everything falls into place.",
            "Which headphones do you mix with?",
            "An old melody has been in my head all day.",
            "Tuned the piano, and the cat left the room.",
            "Their new single has a chorus that you cannot forget.",
            "I recorded the vocals in the wardrobe, it sounds great.",
            "Open mic tonight, I play two songs of my own.",
        ),
        "de": (
            "Dem Bassisten ist im ersten Lied eine Saite gerissen.",
            "Eine Stunde Tonleitern geübt, die Finger tun weh.",
            "Das Album wird mit jedem Hören besser.",
            "Unser Chor singt am Sonntag Bach.",
            "Erste Reihe im Konzert, die Ohren klingeln noch.",
            "Die Melodie geht mir nicht aus dem Kopf.",
        ),
        "fr": (
            "Le bassiste a cassé une corde dès la première chanson.",
            "Une heure de gammes, j'ai mal aux doigts.",
            "Cet album est meilleur à chaque écoute.",
            "Notre chorale chante Bach dimanche.",
            "Au premier rang du concert, mes oreilles sifflent encore.",
        ),
        "es": (
            "Al bajista se le rompió una cuerda en la primera canción.",
            "Una hora de escalas y me duelen los dedos.",
            "Este disco mejora cada vez que lo escucho.",
            "Nuestro coro canta a Bach el domingo.",
            "En primera fila del concierto, todavía me pitan los oídos.",
        ),
    },
    "travel": {
        "en": (
            "Missed the night train and slept on a bench at the station.",
            "The hostel has a view of the whole old town.",
            "Passport found, visa stamped, flight at seven.",
            "We pitched the tent beside a lake without a name.",
            "Three countries in five days with one backpack.",
            "The trail to the hut takes six hours, the view is worth it.",
            "My suitcase went to another airport than I did.",
            "Which island would you visit in November?",
            "A guide showed us the temple before the tourists came.",
            "Border crossing by ferry, with a sunrise for free.",
            "Jet lag: wide awake at three, asleep at lunch.",
            "We only packed hand luggage and missed nothing.",
            "The map says that the campsite is behind the ridge.",
            "Postcards from the desert take four weeks.",
        ),
        "de": (
            "Den Nachtzug verpasst und am Bahnhof geschlafen.",
            "Die Herberge hat Blick auf die ganze Altstadt.",
            "Reisepass gefunden, morgen um sieben geht der Flug.",
            "Das Zelt steht an einem See ohne Namen.",
            "Drei Länder in fünf Tagen, nur mit Rucksack.",
            "Mein Koffer ist an einem anderen Flughafen gelandet.",
        ),
        "fr": (
            "J'ai raté le train de nuit et dormi à la gare.",
            "L'auberge a une vue sur toute la vieille ville.",
            "Passeport retrouvé, l'avion part à sept heures.",
            "Nous avons planté la tente au bord d'un lac sans nom.",
            "Ma valise est partie dans un autre aéroport.",
        ),
        "es": (
            "Perdí el tren nocturno y dormí en la estación.",
            "El albergue tiene vistas a todo el casco antiguo.",
            "Pasaporte encontrado, el vuelo sale a las siete.",
            "Plantamos la tienda junto a un lago sin nombre.",
            "Mi maleta acabó en otro aeropuerto.",
        ),
    },
    "fashion": {
        "en": (
            "Found a wool coat in the second-hand shop that fits like made for me.",
            "The hem came undone ten minutes before the party.",
            "Stripes with checks, and nobody said a word.",
            "These boots go with everything in my wardrobe.",
            "The tailor took the trousers in by two centimetres.",
            "Linen wrinkles, and that is the beauty of it.",
            "Which colour of scarf goes with a green jacket?",
            "I altered my grandmother's dress and wore it to the wedding.",
            "Oversized blazer, white shirt, done.",
            "The collection on the catwalk was all beige.",
            "My zip broke, so I learned to replace one.",
            "High waist and wide legs are back, I kept mine.",
            "Cut the pattern out of an old curtain.",
            "A silk blouse for five euros at the flea market.",
        ),
        "de": (
            "Im Second-Hand-Laden einen Mantel aus Wolle gefunden, der passt wie angegossen.",
            "Der Saum ging zehn Minuten vor dem Fest auf.",
            "Diese Stiefel passen zu allem in meinem Kleiderschrank.",
            "Die Schneiderin hat die Hose enger gemacht.",
            "Das Kleid meiner Großmutter geändert und zur Hochzeit getragen.",
            "Welcher Schal passt zu einer grünen Jacke?",
        ),
        "fr": (
            "Trouvé un manteau en laine à la friperie, il me va parfaitement.",
            "L'ourlet a lâché dix minutes avant la fête.",
            "Ces bottes vont avec toute ma garde-robe.",
            "La couturière a repris le pantalon.",
            "Quelle écharpe avec une veste verte ?",
        ),
        "es": (
            "Encontré un abrigo de lana de segunda mano que me queda perfecto.",
            "El dobladillo se soltó diez minutos antes de la fiesta.",
            "Estas botas van con todo mi armario.",
            "La modista me ha estrechado los pantalones.",
            "¿Qué bufanda va con una chaqueta verde?",
        ),
    },
    "home": {
        "en": (
            "Painted the hallway yellow, and the whole flat seems larger.",
            "The shelf hangs straight, on the third attempt.",
            "We moved the sofa under the window, why did we wait so long?",
            "Sanding the old table takes longer than buying a new one.",
            "The curtains are up and the room is finally quiet.",
            "A rug makes the living room half as loud.",
            "Which wood for a worktop that gets wet?",
            "I threw out half the cupboard and miss nothing of it.",
            "The drill hit a pipe, the plumber is on the way.",
            "Warm light in the corner, and the evening is saved.",
            "New tiles in the bathroom, grouted until midnight.",
            "The wallpaper comes off in one piece, what a feeling.",
            "Restored an armchair from the attic with new upholstery.",
            "Four screws left over, and the wardrobe stands.",
        ),
        "de": (
            "Den Flur gelb gestrichen, die Wohnung wirkt größer.",
            "Das Regal hängt gerade, beim dritten Versuch.",
            "Das Sofa steht jetzt unter dem Fenster.",
            "Den alten Tisch abzuschleifen dauert länger als ein neuer.",
            "Neue Fliesen im Bad, bis Mitternacht verfugt.",
            "Vier Schrauben übrig, aber der Schrank steht.",
        ),
        "fr": (
            "J'ai peint le couloir en jaune, l'appartement paraît plus grand.",
            "L'étagère est droite, au troisième essai.",
            "Le canapé est maintenant sous la fenêtre.",
            "Nouveau carrelage dans la salle de bains.",
            "Il reste quatre vis, mais l'armoire tient debout.",
        ),
        "es": (
            "He pintado el pasillo de amarillo y el piso parece más grande.",
            "La estantería está recta, al tercer intento.",
            "El sofá está ahora debajo de la ventana.",
            "Azulejos nuevos en el baño.",
            "Sobran cuatro tornillos, pero el armario se sostiene.",
        ),
    },
    "pets": {
        "en": (
            "He brought me a mouse at four in the morning, and was proud of it.",
            "The vet says that she has to lose a kilo.",
            "My old hound sleeps on the bed now, I gave up.",
            "She barks at the postman and at nobody else.",
            "The kitten has discovered the curtains.",
            "Walkies in the rain, and the wet fur is on the sofa now.",
            "The parrot has learned to imitate the doorbell.",
            "Two guppies yesterday, twenty today.",
            "He purrs as soon as he hears the tin opener.",
            "Adopted her from the shelter a year ago today.",
            "The hamster escaped, we found it behind the fridge.",
            "Which food for a rabbit with a weak stomach?",
            "Obedience class: everybody sat but mine.",
            "New scratching post, and he still prefers the armchair.",
        ),
        "de": (
            "Er hat mir um vier Uhr früh eine Maus gebracht.",
            "Die Tierärztin sagt, sie muss ein Kilo abnehmen.",
            "Mein alter Hund schläft jetzt im Bett.",
            "Das Kätzchen hat die Vorhänge entdeckt.",
            "Der Hamster ist ausgebüxt.",
            "Vor einem Jahr aus dem Tierheim geholt.",
        ),
        "fr": (
            "Il m'a apporté une souris à quatre heures du matin.",
            "La vétérinaire dit qu'elle doit perdre un kilo.",
            "Mon vieux chien dort maintenant sur le lit.",
            "Le chaton a découvert les rideaux.",
            "Adoptée au refuge il y a un an.",
        ),
        "es": (
            "Me trajo un ratón a las cuatro de la mañana.",
            "La veterinaria dice que tiene que perder un kilo.",
            "Mi viejo perro duerme ahora en la cama.",
            "El gatito ha descubierto las cortinas.",
            "La adopté del refugio hace un año.",
        ),
    },
}
"""Category -> language -> what is written about it."""


def language_of(handle_id: str) -> str:
    """The language of a handle: of each ten thousand handles, as many as its share."""
    draw, total = zlib.crc32(handle_id.encode()) % 10_000 / 10_000, 0.0
    for language, share in LANGUAGES.items():
        total += share
        if draw < total:
            return language
    return next(iter(LANGUAGES))


def written(rng: np.random.Generator, category: str, language: str, beginning: int) -> str:
    """The text of a post about a category.

    Args:
        beginning: which of the eight ways to begin.
    """
    if rng.random() < SILENT_SHARE:
        return EMOJI[int(rng.integers(len(EMOJI)))]
    sentences = SENTENCES[category][language]
    count = 1 + int(rng.random() < TWO_SENTENCES_SHARE)
    chosen = [sentences[place] for place in rng.permutation(len(sentences))[:count]]
    return " ".join([ASIDES[language][beginning], *chosen])
