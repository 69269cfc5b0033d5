"""Words that the demo's tenants, people and conversations are made of."""

FIRST_NAMES = (
    "Jürgen", "Zoë", "Käthe", "Björn", "Søren", "Łukasz", "Ayşe", "Mehmet", "Chloé", "Noël", "Anaïs", "Günther",
    "Hannah", "Emil", "Mia", "Noah", "Lena", "Paul", "Clara", "Felix", "Ida", "Karl", "Greta", "Anton", "Öznur", "Ülkü",
    "Đorđe", "Nguyễn", "Марія", "Γιώργος", "李", "さくら", "Sinéad", "O’Hara", "Jean-Luc", "Åsa", "Æthel", "Þóra",
)  # fmt: skip
LAST_NAMES = (
    "Müller", "Schröder", "Weiß", "Groß", "Krüger", "Größlinghoff", "Yılmaz", "Öztürk", "Kowalski", "Nowák", "Svensson",
    "D'Angelo", "O'Brien", "von der Höhe", "Nguyễn", "Fernández", "Lefèvre", "Ångström", "Schmidt", "Fischer", "Meyer",
    "Wagner", "Becker", "Hoffmann", "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Neumann", "Schwarz",
)  # fmt: skip
CITIES = ("München", "Köln", "Düsseldorf", "Nürnberg", "Lübeck", "Gießen", "Zürich", "Wien", "Görlitz", "Berlin", "Tübingen")
STREETS = ("Hauptstraße", "Königsallee", "Am Mühlbach", "Bärenweg", "Große Gasse", "Schloßplatz", "Rue de l'Église")
TRADES = (
    "Friseur", "Zahnarztpraxis", "Physiotherapie", "Tierärzte", "Kosmetik", "Fahrschule", "Optik", "Hörakustik",
    "Kanzlei", "Yoga & Pilates", "Massage", "Autowerkstatt",
)  # fmt: skip
SERVICES = (
    "Haare schneiden", "Färben & Strähnen", "Prophylaxe", "Erstgespräch", "Massage 60 Minuten", "Sehtest", "Fußpflege",
    "Impfung", "Beratung für Gründer", "Ölwechsel", "Check-up", "Maniküre 💅", "Yoga für Anfänger 🧘", "Haare schneiden",
    "Rückbildung", "Hausbesuch",
)  # fmt: skip
SENTENCES = (
    "Guten Tag, hier ist die Assistentin, wie kann ich helfen?",
    "Ich hätte gern einen Termin für nächste Woche, am liebsten vormittags.",
    "Passt Ihnen Dienstag um 9:30 Uhr?",
    "Nein, da bin ich auf Geschäftsreise – geht auch Donnerstag?",
    "Ja, das wäre schön 😊",
    "Könnten Sie bitte Ihren Namen buchstabieren?",
    'Er sagte: "Ich komme nicht", und legte auf.',
    "Ich muss leider absagen, mein Kind ist krank 🤒.",
    "Was kostet das ungefähr?",
    "Das kostet 49,90 € und dauert etwa 45 Minuten.",
    "Können Sie mich zurückrufen? Meine Nummer ist unterdrückt.",
    "Pfad C:\\Termine\\neu.txt, Zeile 3:\tfehlt.\nBitte prüfen.",
    "Vielen Dank und auf Wiederhören!",
    "It's me again, sorry for the trouble.",
)
NOTES = (
    None, "", "kommt immer fünf Minuten zu spät", "Allergie: Nüsse 🥜", "zahlt bar", 'sagt "du"', "100 % zufrieden",
    "Rücksprache mit Fr. Weiß nötig", "👩‍👩‍👧 Familie", "\\", "'", "NULL", " ",
)  # fmt: skip
JSON_TEXTS = (
    None,
    "",
    "{}",
    "[]",
    '["vip", "stammkunde"]',
    '{"language": "de", "reminder": true, "channel": null}',
    '{"termin": "vormittags", "abstand_wochen": 6, "rabatt": 2.5}',
    '{ "kinder" : [ {"name": "Zoë", "alter": 7}, {"name": "Björn", "alter": 4} ] }',
    '"nur ein Text"',
    "12",
    "0.25",
    "false",
    "null",
    "vormittags, kein Parfüm",
    '{"abgebrochen": ',
    "['einfache', 'Anführungszeichen']",
    "Sitzplatz am Fenster 🪟",
)
"""What stands in legacy columns that should hold JSON; the last four do not."""

SENTIMENTS = (None, "", "positive", '{"label": "positive", "score": 0.75}', '{"label": "neutral"}', '"negative"')
ROLES = (None, "admin", "admin", "staff", "staff", "staff", "manager", "Admin", "")
WEBHOOK_STATES = ("processed", "processed", "processed", "failed", "pending", "retrying")
ENDPOINTS = (
    ("calcom", "/v2/bookings", "POST"),
    ("calcom", "/v2/slots", "GET"),
    ("calcom", "/v2/event-types", "GET"),
    ("retell", "/get-call", "GET"),
    ("retell", "/create-phone-call", "POST"),
    ("stripe", "/v1/invoices", "POST"),
)
