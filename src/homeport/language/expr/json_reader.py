"""Reads the JSON of `fromJSON` as leniently as GitHub does.

Source: actions/runner `FromJson`, which reads one token with Newtonsoft's `JsonTextReader`. So besides JSON there are comments,
single quotes, bare keys, trailing and doubled commas, `NaN`, `Infinity`, `undefined`, octal and hexadecimal integers, and raw
line breaks in strings; what follows the value is not looked at, and a comment before it is the value. `new Date(…)` is refused.
"""

from homeport.language.expr.text import WHITESPACE, fold_case
from homeport.language.expr.values import Value
from homeport.language.late_pattern import late_pattern

MAX_DEPTH = 64
_LONGEST_INTEGER = 380

_BLANK = late_pattern(r"(?:[^\S\x1c-\x1f]|\0)*")
_NUMBER = late_pattern(r"[-+0-9a-fA-FxX.]*")
_AFTER_NUMBER = WHITESPACE + "\0,}])/"
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "\\": "\\", "/": "/", '"': '"', "'": "'"}
_WORDS: dict[str, tuple[str, Value, str]] = {
    "t": ("true", True, "boolean"),
    "f": ("false", False, "boolean"),
    "n": ("null", None, "null"),
    "u": ("undefined", "", "undefined"),
    "N": ("NaN", float("nan"), "NaN"),
    "I": ("Infinity", float("inf"), "Infinity"),
    "-": ("-Infinity", float("-inf"), "-Infinity"),
}
_CLOSERS = {"}": "EndObject", "]": "EndArray", ")": "EndConstructor"}
_AWKWARD_IN_PATH = frozenset(". '/\"[]()\t\n\r\f\b\\\x85\u2028\u2029")


class JsonError(ValueError):
    """Text that is not JSON, however lenient one is; the message says where, in Newtonsoft's words."""


def read_json(text: str) -> Value:
    """The value that a text begins with. Raises `JsonError`."""
    return _Reader(text).read_document()


class _Reader:
    """One reading: the text, how far it got, and the keys and indexes that lead there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._path: list[str | int | None] = []
        self._outermost = ""

    def read_document(self) -> Value:
        self._skip_blanks()
        if self._position == len(self._text):
            raise self._error("Error reading JToken from JsonReader.")
        if self._text[self._position] == "/":
            return self._read_comment()
        return self._read_value()

    def _read_value(self) -> Value:
        character = self._text[self._position]
        match character:
            case '"' | "'":
                return self._read_string(character)
            case "{":
                return self._read_object()
            case "[":
                return self._read_array()
            case ",":
                return ""  # nothing stands here: undefined, whose text is empty
            case "]" | ")":
                raise self._close_error(character)
            case "-" if not self._text.startswith("-I", self._position):
                return self._read_number()
            case _ if character in _WORDS:
                return self._read_word(character)
            case _ if character == "." or character.isnumeric():
                return self._read_number()
        raise self._error(f"Unexpected character encountered while parsing value: {character}.")

    def _read_array(self) -> list[Value]:
        items: list[Value] = []
        self._enter("JArray")
        while self._next_character() != "]":
            self._path[-1] = len(items) - 1 if items else None
            items.append(self._read_value())
            self._path[-1] = len(items) - 1
            if not self._pass_comma("]"):
                break
        self._position += 1
        self._path.pop()
        return items

    def _read_object(self) -> dict[str, Value]:
        properties: dict[str, Value] = {}
        spellings: dict[str, str] = {}
        self._enter("JObject")
        while self._next_character() != "}":
            key = self._read_key()
            self._path[-1] = key
            self._next_character()
            value = self._read_value()
            properties[spellings.setdefault(fold_case(key), key)] = value  # the last value, under the first spelling
            if not self._pass_comma("}"):
                break
        self._position += 1
        self._path.pop()
        return properties

    def _enter(self, container: str) -> None:
        self._outermost = self._outermost or container
        if len(self._path) == MAX_DEPTH:
            raise self._error(f"The reader's MaxDepth of {MAX_DEPTH} has been exceeded.")
        self._position += 1
        self._path.append(None)

    def _pass_comma(self, closer: str) -> bool:
        """Go past the comma after a value; false, at the closing bracket, where there is none."""
        character = self._next_character()
        if character == ",":
            self._position += 1
            return True
        if character == closer:
            return False
        if character in _CLOSERS:
            raise self._close_error(character)
        raise self._error(f"After parsing a value an unexpected character was encountered: {character}.")

    def _read_key(self) -> str:
        text, start = self._text, self._position
        key = self._read_string(text[start]) if text[start] in "\"'" else self._read_bare_key()
        self._skip_blanks()
        if not text.startswith(":", self._position):
            found = text[self._position : self._position + 1]
            raise self._error(f"Invalid character after parsing property name. Expected ':' but got: {found}.")
        self._position += 1
        return key

    def _read_bare_key(self) -> str:
        text, start = self._text, self._position
        if not _is_identifier_character(text[start]):
            raise self._error(f"Invalid property identifier character: {text[start]}.")
        end = start
        while end < len(text) and _is_identifier_character(text[end]):
            end += 1
        self._position = end
        if end == len(text):
            raise self._error("Unexpected end while parsing unquoted property name.")
        if text[end] != ":" and text[end] not in WHITESPACE + "\0":
            raise self._error(f"Invalid JavaScript property identifier character: {text[end]}.")
        return text[start:end]

    def _read_word(self, character: str) -> Value:
        word, value, name = _WORDS[character]
        end = self._position + len(word)
        follower = self._text[end : end + 1]
        if not self._text.startswith(word, self._position) or (
            follower not in WHITESPACE + "\0}]," and self._text[end : end + 2] not in {"/*", "//"}
        ):
            raise self._error(f"Error parsing {name} value.")
        self._position = end
        return value

    def _read_number(self) -> float:
        start = self._position
        matched = _NUMBER.match(self._text, start)
        assert matched is not None
        digits = matched[0]
        self._position = matched.end()
        follower = self._text[self._position : self._position + 1]
        if follower not in _AFTER_NUMBER:
            raise self._error(f"Unexpected character encountered while parsing number: {follower}.")
        try:
            return _parse_number(digits)
        except ValueError:
            raise self._error(f"Input string '{digits}' is not a valid number.") from None

    def _read_string(self, quote: str) -> str:
        text, position = self._text, self._position + 1
        pieces: list[str] = []
        end = -1
        while True:
            if end < position:  # an escape may have gone past what looked like the end
                end = text.find(quote, position)
                end = end if end >= 0 else len(text)
            escape = text.find("\\", position, end)
            if escape < 0:
                break
            pieces.append(text[position:escape])
            self._position = escape + 1
            pieces.append(self._read_escape(quote))
            position = self._position
        if end == len(text):
            self._position = end
            raise self._error(f"Unterminated string. Expected delimiter: {quote}.")
        pieces.append(text[position:end])
        self._position = end + 1
        return "".join(pieces)

    def _read_escape(self, quote: str) -> str:
        character = self._text[self._position : self._position + 1]
        if not character:
            raise self._error(f"Unterminated string. Expected delimiter: {quote}.")
        if character == "u":
            return self._read_unicode()
        if character not in _ESCAPES:
            raise self._error(f"Bad JSON escape sequence: \\{character}.")
        self._position += 1
        return _ESCAPES[character]

    def _read_unicode(self) -> str:
        r"""The character of `\uXXXX`, or of two that make one; half of a pair becomes U+FFFD."""
        unit = self._read_unit()
        if 0xD800 <= unit < 0xDC00 and self._text.startswith("\\u", self._position):
            start = self._position
            self._position += 1
            low = self._read_unit()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            self._position = start
        return "\ufffd" if 0xD800 <= unit < 0xE000 else chr(unit)

    def _read_unit(self) -> int:
        digits = self._text[self._position + 1 : self._position + 5]
        if len(digits) < 4:
            raise self._error("Unexpected end while parsing Unicode escape sequence.")
        if digits.strip("0123456789abcdefABCDEF"):
            raise self._error(f"Invalid Unicode escape sequence: \\u{digits}.")
        self._position += 5
        return int(digits, 16)

    def _read_comment(self) -> str:
        start = self._position + 2
        opening = self._text[self._position : start]
        if opening == "//":
            breaks = (self._text.find("\n", start), self._text.find("\r", start), len(self._text))
            end = min(place for place in breaks if place >= 0)
            self._position = end
        elif opening == "/*":
            end = self._text.find("*/", start)
            self._position = end + 2
        else:
            end = -1
            if len(opening) > 1:
                raise self._error(f"Error parsing comment. Expected: *, got {opening[1]}.")
        if end < 0:
            self._position = len(self._text)
            raise self._error("Unexpected end while parsing comment.")
        return self._text[start:end]

    def _next_character(self) -> str:
        """The next character that is neither blank nor in a comment. Raises where the text ends."""
        while True:
            self._skip_blanks()
            if self._position == len(self._text):
                raise self._error(f"Unexpected end of content while loading {self._outermost}.")
            if self._text[self._position] != "/":
                return self._text[self._position]
            self._read_comment()

    def _skip_blanks(self) -> None:
        blank = _BLANK.match(self._text, self._position)
        assert blank is not None
        self._position = blank.end()

    def _close_error(self, character: str) -> JsonError:
        container = "None" if not self._path else "Object" if isinstance(self._path[-1], str) else "Array"
        return self._error(f"JsonToken {_CLOSERS[character]} is not valid for closing JsonType {container}.")

    def _error(self, problem: str) -> JsonError:
        before = self._text[: self._position]
        line = before.count("\n") + 1 if self._position else 0
        column = len(before) - (before.rfind("\n") + 1)
        return JsonError(f"{problem} Path '{_render_path(self._path)}', line {line}, position {column}.")


def _parse_number(digits: str) -> float:
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in ".eE":
        number = int(digits, 16 if digits[1] in "xX" else 8)
        if number >= 1 << 64 or not digits.isalnum():
            raise ValueError
        return float(number - (1 << 64) if number >= 1 << 63 else number)
    if not digits.strip("0123456789-") and len(digits) > _LONGEST_INTEGER:
        raise ValueError
    if digits.strip("0123456789.eE+-") or digits[:1] == "+":
        raise ValueError
    return float(digits)


def _is_identifier_character(character: str) -> bool:
    return character.isalpha() or character.isdecimal() or character in "_$"


def _render_path(path: "list[str | int | None]") -> str:
    text = ""
    for step in path:
        match step:
            case None:
                pass
            case int():
                text += f"[{step}]"
            case str() if _AWKWARD_IN_PATH.intersection(step):
                text += f"['{step}']"
            case str():
                text += f".{step}" if text else step
    return text
