"""The town's vocabulary: what its shop sells, what its people are called and what they write."""

from __future__ import annotations

NOUNS = {
    "running": "Trail Shoe,Road Shoe,Running Vest,Pace Watch,Hydration Belt,Head Torch,Race Shorts,"
    "Recovery Roller,Rain Shell,Compression Sock",
    "cycling": "Gravel Tyre,Bib Short,Bike Light,Frame Bag,Helmet,Pedal Set,Chain Kit,Floor Pump,Saddle,Bike Lock",
    "cooking": "Chef Knife,Cast Iron Pan,Stock Pot,Proofing Basket,Pasta Press,Spice Rack,Stand Mixer,"
    "Chopping Board,Pepper Mill,Baking Stone",
    "gardening": "Seed Box,Hand Trowel,Watering Can,Compost Bin,Rose Secateurs,Raised Bed,Plant Pot,Garden Fork,"
    "Grow Light,Bulb Mix",
    "photography": "Prime Lens,Camera Strap,Tripod,Film Roll,Darkroom Tray,Filter Set,Flash Unit,Light Meter,"
    "Camera Bag,Photo Printer",
    "gaming": "Board Game,Dice Set,Gamepad,Retro Console,Card Sleeves,Rule Book,Arcade Stick,Gaming Chair,"
    "Miniature Set,Puzzle Cube",
    "reading": "Space Opera,Poetry Volume,Crime Novel,Comic Omnibus,Reading Lamp,Book Stand,Short Stories,"
    "Essay Collection,Notebook,Fantasy Saga",
    "music": "Jazz Record,Synth Module,Guitar String Set,Turntable,Headphones,Piano Score,Drum Pad,Ukulele,"
    "Studio Monitor,Record Crate",
    "travel": "Trekking Pack,Two-Person Tent,Sleeping Bag,Camp Stove,Rail Map,City Guide,Travel Pillow,Hiking Pole,"
    "Packing Cube,Hammock",
    "fashion": "Denim Jacket,Linen Shirt,Wool Coat,Sewing Kit,Leather Belt,Pleated Skirt,Knit Cardigan,Canvas Trainer,"
    "Silk Scarf,Felt Hat",
    "home": "Desk Lamp,Oak Shelf,Lounge Chair,Tool Set,Wall Clock,Rug,Storage Box,Bed Linen,Ceramic Vase,Floor Lamp",
    "pets": "Cat Tree,Dog Lead,Aquarium Filter,Bird Feeder,Puppy Bed,Chew Toy,Litter Tray,Grooming Brush,Hamster Wheel,"
    "Pet Carrier",
}
"""Category -> ten comma-separated names, one for each line of items."""

BRANDS = (
    "Alder",
    "Brisk",
    "Cobalt",
    "Dune",
    "Ember",
    "Fjord",
    "Grove",
    "Heron",
    "Ivory",
    "Juniper",
    "Kestrel",
    "Larch",
)

STAGES = ("Starter", "Classic", "Plus", "Pro", "Master")
"""The items of a line, in the order in which people work their way through it."""

BASE_PRICES = {
    "running": 40, "cycling": 55, "cooking": 35, "gardening": 18, "photography": 90, "gaming": 38,
    "reading": 12, "music": 48, "travel": 60, "fashion": 45, "home": 50, "pets": 22,
}  # fmt: skip
"""Category -> euros of the first item of a middle-priced line."""

FIRST_NAMES = (
    "Ada", "Anna", "Ben", "Bo", "Carla", "Chloe", "Daan", "Dora", "Elif", "Emil", "Femke", "Finn", "Greta", "Hana",
    "Hugo", "Ida", "Ines", "Jan", "Jo", "Jonas", "Karim", "Kim", "Lena", "Leo", "Lou", "Maja", "Mila", "Nils", "Noor",
    "Olga", "Otto", "Paul", "Pia", "Rosa", "Sami", "Sofia", "Theo", "Uma", "Vera", "Yann",
)  # fmt: skip

LAST_NAMES = (
    "Abel", "Acker", "Becker", "Berg", "Bauer", "Costa", "Decker", "Dumas", "Ekman", "Falk", "Fischer", "Garcia",
    "Hansen", "Holm", "Ivanov", "Jansen", "Keller", "Koch", "Lang", "Lund", "Martin", "Meyer", "Moreau", "Nagy",
    "Novak", "Olsen", "Peters", "Quist", "Rossi", "Roth", "Sato", "Silva", "Stein", "Tanner", "Urban", "Visser",
    "Weber", "Wolf", "Yilmaz", "Ziegler",
)  # fmt: skip

POSTSCRIPTS = (
    ' Write to me: <a href="mailto:{email}">{email}</a>',
    " Call me on +44 20 7946 0{number:03d} if you want to join.",
    ' More on <a href="https://blog.example/{username}/{number}" rel="nofollow">blog.example/{username}/{number}</a>',
)
"""What people should not write in public, so that masking has work to do."""

COMMENTS = (
    "Delivery was quick, thank you.",
    "More {topic} please!",
    "I like the shop.\nThe search could be better, though.",
    'A friend said "try it", so I did.',
    "Please answer me at {email}, I wrote twice already.",
    "",
    "",
    "",
)
