"""The words of the demo world: names, places, mailboxes. Domains are reserved for examples (RFC
2606, RFC 6761).
"""

from typing import NamedTuple

GIVEN_NAMES = (
    "Felix", "Clara", "Harry", "Yusuf", "Arjun", "Lily", "Oscar", "Gabriel", "José", "Åsa", "Zoë",
    "Adam", "Priya", "Wei", "Siobhán", "Lena", "Jack", "Amelia", "Henry", "Leon", "Alfie", "Thomas",
    "Johanna", "Lukas", "Louise", "Emma", "Freddie", "Rosie", "Louis", "Muhammad", "Sophia",
    "Isabella", "Raphael", "Yuki", "Hiroshi", "Marie", "Charlie", "Alice", "Florence", "Chloé",
    "Camille", "Ava", "Jules", "Lucía", "Hugo", "Li", "Inès", "Lucas", "Arthur", "Theo", "Freya",
    "Caoimhe", "Mia", "George", "Ivy", "Noah", "Emily", "Finley", "Jade", "Jan", "Rose", "Hannah",
    "Leo", "Isla", "Carmen", "Aoife", "Paul", "Maximilian", "Antonio", "María", "Poppy", "Manuel",
    "Mei", "Björn", "Seán", "Willow", "Fatima", "Grace", "Ella", "Oliver", "Jonas", "Anna",
    "Charles", "Daan", "Sanne", "Iñaki", "Nuria", "Elizabeth", "William", "Katherine",
)  # fmt: skip

FAMILY_NAMES = (
    "Hall", "Brown", "Roberts", "Becker", "Durand", "Walsh", "Wood", "Petit", "Murphy", "Martin",
    "Wright", "Wilson", "Schulz", "Jones", "Singh", "O'Connor", "Jackson", "Robinson", "Byrne",
    "Hussain", "Begum", "O'Brien", "Khan", "González", "Clarke", "Evans", "Fischer", "Patel",
    "Jansen", "Suzuki", "Richard", "Rossi", "Green", "Fernández", "Müller", "Chen", "Nguyen",
    "Meyer", "Taylor", "Lindqvist", "Leroy", "Dubois", "Rodríguez", "Martínez", "Ali", "Thompson",
    "Wang", "Thomas", "Weber", "Tanaka", "Kelly", "Schneider", "Hoffmann", "López", "van den Berg",
    "White", "Zhang", "Johnson", "Robert", "Wagner", "Kaur", "Nowak", "de Vries", "Moreau",
    "Walker", "García", "Kowalski", "Bernard", "Davies", "Schmidt", "Andersson", "Smith",
    "Williams", "Bakker", "Visser", "Ruiz",
)  # fmt: skip

NICKNAMES = {
    "Thomas": "Tom", "Isabella": "Bella", "Freddie": "Fred", "Emily": "Em", "Charles": "Charlie",
    "Henry": "Harry", "Antonio": "Toni", "Maximilian": "Max", "Oliver": "Ollie",
    "Katherine": "Kate", "Elizabeth": "Liz", "William": "Bill", "Muhammad": "Mo", "Johanna": "Jo",
    "Gabriel": "Gabe", "Florence": "Flo", "George": "Georgie",
}  # fmt: skip

STREETS = (
    "Chester Street", "Park Street", "Station Street", "New Street", "Queens Street",
    "Kings Street", "Victoria Street", "Manor Street", "Springfield Street", "High Street",
    "Green Street", "London Street", "North Street", "Church Street", "Grove Street", "Mill Street",
)  # fmt: skip

MAIL_DOMAINS = (
    "example.com", "example.org", "example.net", "mail.example", "post.example", "inbox.example",
    "letterbox.example", "webmail.example",
)  # fmt: skip

BROKER_MAILBOX = "noreply@broker.example"
AGENT_PHONE = "+442079460000"  # a number set aside for drama


class City(NamedTuple):
    """A city of the demo world with its IANA time zone."""

    name: str
    timezone: str


class Country(NamedTuple):
    """What a country decides: money, language, cities, and how its mobile numbers look.

    `prefixes` are national (significant) number prefixes that libphonenumber accepts with `digits`
    more digits, from `lowest` on; `trunk` is what is dialled in front of the national number at
    home. `fiction` (if any) stands between a prefix and two digits in a range that is set aside for
    fiction and yet valid.
    """

    code: str
    currency: str
    language: str
    calling_code: str
    trunk: str
    prefixes: tuple[str, ...]
    digits: int
    cities: tuple[City, ...]
    lowest: int = 0
    fiction: str = ""


def _cities(timezone: str, *names: str) -> tuple[City, ...]:
    return tuple(City(name, timezone) for name in names)


_GB_PREFIXES = (
    "740 741 742 743 747 748 749 753 754 757 758 759 772 773 777 780 785 788 789 790 795 796 798"
)
_US_AREA_CODES = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 "
    "234 239 240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 "
    "308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 334 336 337 339 347 351 "
    "352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 425 432 "
    "434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 "
    "517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 "
    "605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 "
    "651 660 661 662 678 682 701 702 703 704 706 707 708 712"
)

COUNTRIES = (
    Country("GB", "GBP", "en", "44", "0", tuple(_GB_PREFIXES.split()), 7,
            _cities("Europe/London", "Bristol", "Cardiff", "Glasgow", "Leeds", "London")),
    Country("DE", "EUR", "de", "49", "0", ("151", "152", "157", "160", "170", "171", "175"), 8,
            _cities("Europe/Berlin", "Köln", "Hamburg", "Berlin", "München")),
    Country("FR", "EUR", "fr", "33", "0", ("61", "62", "66", "67", "68", "75", "76", "77"), 7,
            _cities("Europe/Paris", "Paris", "Nantes", "Lyon")),
    # 555-0100 to 555-0199 is set aside for fiction in every area code.
    Country("US", "USD", "en", "1", "", tuple(_US_AREA_CODES.split()), 7,
            (City("Austin", "America/Chicago"), City("Boston", "America/New_York"),
             City("Chicago", "America/Chicago")),
            lowest=2_000_000, fiction="55501"),
    Country("IE", "EUR", "en", "353", "0", ("83", "85", "86", "87", "89"), 7,
            _cities("Europe/Dublin", "Dublin", "Cork", "Galway")),
    Country("NL", "EUR", "nl", "31", "0", ("61", "62", "63", "64", "65"), 7,
            _cities("Europe/Amsterdam", "Utrecht", "Rotterdam", "Eindhoven")),
    Country("ES", "EUR", "es", "34", "", ("60", "61", "62", "63", "65", "66", "67", "68"), 7,
            _cities("Europe/Madrid", "Sevilla", "Valencia", "Bilbao")),
)  # fmt: skip

COMMENTS = (
    "Thank you",
    "Took too long, and nobody called back",
    'They said "tomorrow" twice',
    "Very helpful",
    "I still wait for an answer; please call",
)
COMMENT_WITH_LINE_BREAK = "First call: no answer.\nSecond call: solved, thanks"
