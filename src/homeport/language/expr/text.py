"""Text as .NET, and so GitHub, compares and measures it: ordinal, ignoring case, in UTF-16 units."""

WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What `Char.IsWhiteSpace` knows; Python's idea differs by four control characters."""

_UNCASED = frozenset("\u0131\u017f")
"""The dotless i and the long s, which an ordinal comparison leaves alone, so that they equal no ASCII letter."""


def fold_case(text: str) -> str:
    """The text as it is compared when case is ignored: each character upper-cased by itself (`OrdinalIgnoreCase`).

    So `ß` stays (its upper case has two letters), and the length never changes.
    """
    upper = text.upper()
    if text.isascii() or (len(upper) == len(text) and "\u0131" not in text and "\u017f" not in text):
        return upper
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    if character in _UNCASED:
        return character
    upper = character.upper()
    if len(upper) > 1:  # the simple mapping, where there is one, is then the title-case letter
        upper = character.title()
    return upper if len(upper) == 1 else character


def sort_key(text: str) -> bytes:
    """What to compare to order texts: UTF-16 units, which put characters beyond U+FFFF before U+E000."""
    return fold_case(text).encode("utf-16-be", "surrogatepass")


def utf16_length(text: str) -> int:
    """How long .NET thinks a text is."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
