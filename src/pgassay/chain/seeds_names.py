"""Names as tokens have them."""

from __future__ import annotations

# name, symbol, decimals
FUNGIBLE: tuple[tuple[str, str, int], ...] = (
    ("Harbor Dollar", "HUSD", 6), ("Meridian Ether", "mETH", 18), ("Northwind Token", "NWT", 18),
    ("Euro Settlement Coin", "EURS", 2), ("Wrapped Granite", "wGRN", 8), ("Lumen Governance", "LUMG", 18),
    ("Cobalt Yield", "cYLD", 18), ("Pound Digital", "GBPD", 6), ("Swiss Franc Token", "CHFT", 6),
    ("Atlas Network", "ATLS", 18), ("Fjord Finance", "FJRD", 18), ("Gold Ounce", "XAUG", 4),
)  # fmt: skip
SECURITY: tuple[tuple[str, str, int], ...] = (
    ("Alpine Real Estate Fund I", "ALPRE1", 0), ("Rhine Logistics Bond 2031", "RLB31", 2),
    ("Baltic Wind Park Equity", "BWPE", 0), ("Treasury Bill Fund A", "TBFA", 18), ("Private Credit 2029", "PCR29", 6),
    ("Harbour Towers Shares", "HTWR", 0), ("Green Infrastructure Note", "GINF", 2), ("Venture Basket III", "VBK3", 18),
)  # fmt: skip
ITEMS: tuple[tuple[str, str], ...] = (
    ("Paper Cranes", "CRANE"), ("Tide Maps", "TIDE"), ("Concert Passes 2026", "PASS26"), ("Vault Deeds", "DEED"),
)  # fmt: skip
MULTI: tuple[tuple[str, str], ...] = (("Workshop Goods", "GOODS"), ("Carbon Certificates", "CARB"), ("Arcade", "ARC"))

COUNTRIES = (40, 56, 208, 246, 250, 276, 372, 380, 442, 528, 620, 702, 724, 752, 756, 826, 840)  # ISO 3166-1
WORDS = (
    "Alder",
    "Beacon",
    "Cedar",
    "Delta",
    "Ember",
    "Foundry",
    "Grove",
    "Haven",
    "Ion",
    "Juniper",
    "Keystone",
    "Lark",
)


def named(known: tuple[tuple[str, str, int], ...], number: int) -> tuple[str, str, int]:
    """The token of that number; behind the known ones come new series of them."""
    name, symbol, decimals = known[number % len(known)]
    again = number // len(known)
    if not again:
        return name, symbol, decimals
    word = WORDS[(again - 1) % len(WORDS)]
    series = (again - 1) // len(WORDS)
    mark = f"{word[0]}{series or ''}"
    return f"{word} {name}{f' Series {series + 1}' if series else ''}", f"{mark}{symbol}"[:11], decimals
