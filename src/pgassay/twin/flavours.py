"""What a column's name says of its values: an address, a hash, an amount, an e-mail …

Only looks: types and constraints always win.
"""

from __future__ import annotations

import re

from pgassay.twin.shapes import DIGITS, HEX, LOWER, Piece, Shape, fixed

_UPPER = tuple(c.upper() for c in LOWER)
_FIRST = ("ada", "alan", "barbara", "dennis", "edsger", "frances", "grace", "ken", "leslie", "lynn", "margaret", "tony")
_LAST = ("allen", "conway", "dijkstra", "hamilton", "hoare", "hopper", "kay", "lamport", "liskov", "ritchie", "turing")
_THINGS = (
    "Bond",
    "Building",
    "Carbon",
    "Credit",
    "Equity",
    "Fund",
    "Gold",
    "Harbour",
    "Note",
    "Real Estate",
    "Treasury",
)

_HEX40 = (fixed("0x"), Piece(HEX, 40))
_HEX64 = (fixed("0x"), Piece(HEX, 64))
_SLUG = (Piece(_LAST), fixed("-"), Piece(HEX, 6))
_PLACE = tuple(word.title() for word in ("zurich", "geneva", "london", "paris", "vienna", "lisbon", "oslo", "dublin"))

# The first rule whose pattern is found in the column's name (lower case) gives the shapes to try, best first.
_TEXTS: tuple[tuple[re.Pattern[str], tuple[Shape, ...]], ...] = tuple(
    (re.compile(pattern), shapes)
    for pattern, shapes in (
        (r"e_?mail", ((Piece(_FIRST), fixed("."), Piece(_LAST), Piece(HEX, 6), fixed("@example.org")),
                      (Piece(HEX, 8), fixed("@example.org")))),
        (r"ip_?addr|^ip$|_ip$", ((fixed("10."), Piece(DIGITS[1:9], 1), fixed("."), Piece(DIGITS[1:9], 2), fixed("."),
                                  Piece(DIGITS[1:9], 2)),)),
        (r"user_agent", ((fixed("Mozilla/5.0 ("), Piece(HEX, 6), fixed(")")),)),
        (r"(street|postal|mailing)", ((Piece(DIGITS[1:], 2), fixed(" "), Piece(_LAST), fixed(" street")),)),
        (r"addr|wallet|contract|owner|holder|operator|spender|recipient|sender|minter|^(from|to)$|issuer|deployer|"
         r"beneficiary|identity|delegate|^account$|^registry$", (_HEX40, (Piece(HEX, 40),))),
        (r"hash|^tx$|_tx$|txid|tx_id|topic|root|salt|digest|checksum|_sig$|signature|nullifier|commitment",
         (_HEX64, (Piece(HEX, 64),), (Piece(HEX, 40),))),
        (r"symbol|ticker", ((Piece(_UPPER, 4),), (Piece(_UPPER, 3),))),
        (r"country|nationality|jurisdiction", ((Piece(("CH", "DE", "FR", "GB", "US", "SG", "JP", "AE")),),
                                               (Piece(("CHE", "DEU", "FRA", "GBR", "USA")),))),
        (r"currency", ((Piece(("CHF", "EUR", "GBP", "USD", "JPY", "SGD")),),)),
        (r"locale|lang", ((Piece(("en", "de", "fr", "it", "ja")),),)),
        (r"time_?zone|^tz$", ((Piece(("UTC", "Europe/Zurich", "America/New_York", "Asia/Tokyo")),),)),
        (r"phone|mobile|fax", ((fixed("+4179"), Piece(DIGITS, 7)),)),
        (r"url|uri|link|website|image|avatar|logo|href",
         ((fixed("https://example.org/"), Piece(HEX, 12)), (fixed("ipfs://"), Piece(HEX, 12)))),
        (r"slug|handle|username|user_name|login|nick", (_SLUG,)),
        (r"isin", ((Piece(("CH", "US", "DE")), Piece(DIGITS, 10)),)),
        (r"first_?name|given_?name", ((Piece(tuple(n.title() for n in _FIRST)),),)),
        (r"last_?name|surname|family_?name", ((Piece(tuple(n.title() for n in _LAST)),),)),
        (r"city|town|region", ((Piece(_PLACE),),)),
        (r"zip|postcode|postal_?code", ((Piece(DIGITS[1:], 4),),)),
        (r"version", ((Piece(DIGITS[1:9]), fixed("."), Piece(DIGITS, 1), fixed("."), Piece(DIGITS, 2)),)),
        (r"colou?r", ((fixed("#"), Piece(HEX, 6)),)),
        (r"mime|content_type", ((Piece(("image/png", "text/plain", "application/json")),),)),
        (r"status|state$", ((Piece(("active", "pending", "closed", "failed")),),)),
        (r"standard|token_type", ((Piece(("ERC-20", "ERC-721", "ERC-1155", "ERC-3643")),),)),
        (r"event_?name|event_?type", ((Piece(("Transfer", "Approval", "Mint", "Burn")),),)),
        (r"name|title|label", ((Piece(_THINGS), fixed(" "), Piece(HEX, 6)),)),
        (r"desc|note|comment|body|content|text|message|reason|bio|summary",
         ((fixed("About "), Piece(_LAST), fixed(", "), Piece(HEX, 12)),)),
        (r"amount|value|balance|supply|price|wei|total|token_id|quantity", ((Piece(DIGITS[1:]), Piece(DIGITS, 11)),)),
    )
)  # fmt: skip

_NUMBERS: tuple[tuple[re.Pattern[str], tuple[int, int]], ...] = tuple(
    (re.compile(pattern), bounds)
    for pattern, bounds in (
        (r"decimals", (0, 18)),
        (r"chain_?id|network_?id", (1, 10)),
        (r"log_?index|tx_?index|transaction_?index|position|ordinal|sort|rank$|priority|depth|level", (0, 400)),
        (r"block", (18_000_000, 21_000_000)),
        (r"percent|pct|progress|score|rating", (0, 100)),
        (r"bps|basis_points", (0, 10_000)),
        (r"^age$|_age$", (18, 90)),
        (r"year", (1990, 2025)),
        (r"month", (1, 12)),
        (r"^day$|_day$", (1, 28)),
        (r"hour", (0, 23)),
        (r"^lat$|latitude", (-90, 90)),
        (r"^(lon|lng)$|longitude", (-180, 180)),
        (r"port$", (1024, 65535)),
        (r"version|attempts|retries|retry", (1, 9)),
        (r"count|quantity|qty|nonce|confirmations", (0, 10_000)),
        (r"gas_?price", (10**9, 10**11)),
        (r"gas", (21_000, 30_000_000)),
    )
)


def text_shapes(column: str) -> tuple[Shape, ...]:
    """Shapes that a text column of that name may have, best first."""
    name = column.lower()
    return next((shapes for pattern, shapes in _TEXTS if pattern.search(name)), ())


def number_range(column: str) -> tuple[int, int] | None:
    """The usual range of a number of that name, in whole numbers."""
    name = column.lower()
    return next((bounds for pattern, bounds in _NUMBERS if pattern.search(name)), None)


def byte_length(column: str) -> int:
    """The usual length of a bytea of that name, in bytes."""
    name = column.lower()
    if re.search(r"addr|wallet|contract|owner|holder|^(from|to)$|sender|recipient|spender", name):
        return 20
    return 32
