"""Small phrases that every format shares, and the cleaning of text that came from a user's files or server."""

from __future__ import annotations

import unicodedata

# Control and format characters (escape sequences, bidirectional overrides, zero-width marks), lone surrogates and the
# separators that a terminal may take for a line end: shown as escapes, so that SQL cannot repaint the screen.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BYTES = ("bytes", "kB", "MB", "GB", "TB")


def visible(text: str) -> str:
    """The text on one line or many, with every character that is not plainly visible written as an escape."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c == "\n" or unicodedata.category(c) not in _HIDDEN else _escape(c) for c in text)


def one_line(text: str) -> str:
    """The same on a single line: runs of white space become one space."""
    return visible(" ".join(text.split()))


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(text: str) -> str:
    """The text without lone surrogates (from file names that are not UTF-8), which no encoding can carry."""
    return text.encode("utf-8", "backslashreplace").decode()


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 file``, ``2,000 files``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(ms: float) -> str:
    """A time for people: ``0.4 ms``, ``12 ms``, ``2.4 s``, ``3 min 20 s``."""
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s"
    minutes, seconds = divmod(round(ms / 1_000), 60)
    return f"{minutes:,} min {seconds} s"


def size(number: float) -> str:
    """``8192 bytes``, ``64 kB``, ``12 GB``."""
    unit = 0
    while number >= 1024 * 10 and unit < len(_BYTES) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:,.0f} {_BYTES[unit]}"
