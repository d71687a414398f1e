"""The forms in which a secret may show up in a log: as it is, line by line, and encoded.

Source of the set: actions/runner `HostContext` and `ValueEncoders` (base64 at three alignments, command line, expression, JSON, URI,
XML, trimmed quotes, PowerShell) and its ADR 0297. Added here: base64 of the exact bytes that belong to the secret whatever stands
around it, its URL-safe and wrapped forms, a shell's own quoting, and the escapes of other JSON, XML and URI writers.
"""

import binascii
from collections.abc import Iterator

MINIMUM_LINE_LENGTH = 4
"""A line of a multi-line secret that is shorter than this (such as `{`) is not masked by itself."""
_MINIMUM_ENCODED_LENGTH = 4
"""An encoded form that is shorter than this would hide too much that is not the secret."""
_MINIMUM_SECTION_LENGTH = 6
"""PowerShell prints the sections around `&` apart; shorter ones are left alone."""
_WRAP_WIDTHS = (76, 64)
"""Where `base64` and `openssl base64` break their lines."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_SHELL_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:=@%+,")
_JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def find_short_lines(secret: str) -> list[str]:
    """The lines of a multi-line secret that are too short to be masked by themselves."""
    lines = _split_lines(secret)
    return [line for line in lines if len(line) < MINIMUM_LINE_LENGTH] if len(lines) > 1 else []


def list_forms(secret: str) -> set[bytes]:
    """Every byte sequence to keep out of a log for the sake of this secret. None of them holds a line break."""
    forms = set(_encode_all(secret))
    lines = _split_lines(secret)
    for line in lines:
        if len(lines) == 1 or len(line) >= MINIMUM_LINE_LENGTH:
            forms.update(_encode_all(line))
    return {form for form in forms if form and b"\n" not in form and b"\r" not in form}


def _split_lines(secret: str) -> list[str]:
    """The lines that have anything in them, without the blanks around them."""
    lines = secret.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line for line in map(str.strip, lines) if line]


def _encode_all(value: str) -> Iterator[bytes]:
    raw = value.encode("utf-8", "replace")
    yield raw
    for form in _encode_base64(raw):
        if len(form) >= _MINIMUM_ENCODED_LENGTH:
            yield form
    for text in _escape_all(value):
        if text != value and len(text) >= _MINIMUM_ENCODED_LENGTH:
            yield text.encode("utf-8", "replace")


def _encode_base64(raw: bytes) -> Iterator[bytes]:
    whole = binascii.b2a_base64(raw, newline=False)
    for form in (whole, *_find_base64_cores(raw)):
        yield form
        yield form.translate(_URL_SAFE)
    for width in _WRAP_WIDTHS:
        if len(whole) > width:
            yield from (whole[start : start + width] for start in range(0, len(whole), width))


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _find_base64_cores(raw: bytes) -> Iterator[bytes]:
    """The characters that the secret alone decides, at each of the three places in a group of three bytes where it may begin."""
    for shift in range(3):
        encoded = binascii.b2a_base64(bytes(shift) + raw, newline=False)
        first = -(-shift * 8 // 6)
        last = (shift + len(raw)) * 8 // 6
        yield encoded[first:last]


def _escape_all(value: str) -> Iterator[str]:
    json_text = _escape_json(value, ascii_only=False)
    yield json_text
    yield _escape_json(value, ascii_only=True)
    if any(character in value for character in "<>&"):
        yield json_text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    if "/" in value:
        yield json_text.replace("/", "\\/")
    yield value.replace('"', '\\"')
    yield value.replace("'", "''")
    yield value.replace("'", "'\\''")
    yield "".join(character if character in _SHELL_SAFE else "\\" + character for character in value)
    yield from _escape_uri(value)
    yield from _escape_xml(value)
    if len(value) > 8 and value[0] == '"' and value[-1] == '"':
        yield value[1:-1]
    yield from _split_for_powershell(value)


def _escape_json(value: str, *, ascii_only: bool) -> str:
    return "".join(_JSON_ESCAPES.get(character) or _escape_json_character(character, ascii_only) for character in value)


def _escape_json_character(character: str, ascii_only: bool) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F or (code > 0x7E and not ascii_only):
        return character
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def _escape_uri(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "replace")
    strict = "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in raw)
    yield strict
    yield _lower_escapes(strict)
    yield strict.replace("%20", "+")
    javascript = strict
    for kept in "!'()*":
        javascript = javascript.replace(f"%{ord(kept):02X}", kept)
    yield javascript
    yield strict.replace("%2F", "/")


def _lower_escapes(strict: str) -> str:
    parts = strict.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


def _escape_xml(value: str) -> Iterator[str]:
    text = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield text
    yield text.replace('"', "&quot;").replace("'", "&apos;")
    yield text.replace('"', "&quot;").replace("'", "&#39;")
    yield text.replace('"', "&quot;").replace("'", "&#x27;")
    yield text.replace('"', "&#34;").replace("'", "&#39;")


def _split_for_powershell(value: str) -> Iterator[str]:
    """An error message of PowerShell colours what stands before and after the last `&` (or `&+`) apart."""
    if "&" not in value:
        return
    at = value.index("&+") if "&+" in value else value.rindex("&")
    skipped = 2 if "&+" in value else 1
    for section in (value[: at + 1], value[:at], value[at + skipped :]):
        if len(section) >= _MINIMUM_SECTION_LENGTH:
            yield section
