"""A line of a log as HTML: what terminals show in colour becomes classes, everything else of a terminal's language goes.

`static/ansi.js` says the same for lines that come later; both are held to the cases of `tests/cases/present/ansi.json`. Every line
begins anew: a colour that was not taken back ends with its line, because a page shows lines out of the middle of a log.
Sources: ECMA-48 (SGR); xterm's "Control Sequences" for the 256 colours and for direct colours in both spellings.
"""

from html import escape

import msgspec

from homeport.language.late_pattern import late_pattern

_SEQUENCE = late_pattern(
    r"\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?"
)
_CONTROL = late_pattern(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKER = late_pattern(r"##\[(group|endgroup|error|warning|notice|debug|command|section)\](.*)")
_CUBE = (0, 95, 135, 175, 215, 255)
_BASE = (
    *("#3b4754", "#ff7a72", "#5fd38d", "#e3b341", "#6cb6ff", "#d2a8ff", "#4ecdc4", "#cbd5df"),
    *("#7d8b99", "#ffa198", "#8ae8ae", "#f2cc60", "#a5d1ff", "#e2c5ff", "#86e5dd", "#f6f9fc"),
)
"""The sixteen named colours, as the log's dark ground wants them: all but black are legible on it."""


class Style(msgspec.Struct, frozen=True):
    """How a stretch of text is shown. Colours are numbers of the 256; None is the ground's own."""

    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    struck: bool = False
    ink: int | None = None
    ground: int | None = None

    def classes(self) -> str:
        """The names of classes, in a fixed order."""
        flags = (
            ("b", self.bold),
            ("d", self.dim),
            ("i", self.italic),
            ("u", self.underline),
            ("s", self.struck),
        )
        names = [name for name, is_set in flags if is_set]
        ink, ground = (self.ground, self.ink) if self.inverse else (self.ink, self.ground)
        if self.inverse:
            names.append("v")
        names += [f"{kind}{number}" for kind, number in (("f", ink), ("g", ground)) if number is not None]
        return " ".join(names)


def split_marker(text: str) -> tuple[str, str]:
    """What kind of line it is by the marker that the runner puts before it (`##[error]`), and the rest; `""`: a plain one."""
    found = _MARKER.match(text)
    return (found[1], found[2]) if found else ("", text)


def split_ansi(text: str) -> list[tuple[Style, str]]:
    """Stretches of text, each with its style; neighbours of one style are joined."""
    spans: list[tuple[Style, str]] = []
    style = Style()
    position = 0
    text = _after_return(text)
    for found in _SEQUENCE.finditer(text):
        _add(spans, style, text[position : found.start()])
        position = found.end()
        if found[1] is not None:
            style = _apply(style, found[1])
    _add(spans, style, text[position:])
    return spans


def render_ansi(text: str) -> str:
    """Safe HTML: text, and `span`s with classes."""
    if "\x1b" not in text and text.isprintable():
        return escape(text)
    parts = []
    for style, stretch in split_ansi(text):
        classes = style.classes()
        shown = escape(stretch)
        parts.append(f'<span class="{classes}">{shown}</span>' if classes else shown)
    return "".join(parts)


def render_palette() -> str:
    """The style sheet of all colours: `f0`…`f255` for ink, `g0`…`g255` for the ground."""
    colours = [*_BASE, *(_show(_red_green_blue(number)) for number in range(16, 256))]
    rows = [f".f{number}{{color:{colour}}}.g{number}{{background:{colour}}}" for number, colour in enumerate(colours)]
    return "\n".join(rows) + "\n"


def _after_return(text: str) -> str:
    """A progress bar writes over itself: what was written last is what a terminal shows."""
    return text.rstrip("\r").rpartition("\r")[2] if "\r" in text else text


def _add(spans: list[tuple[Style, str]], style: Style, text: str) -> None:
    shown = _CONTROL.sub("", text)
    if not shown:
        return
    if spans and spans[-1][0] == style:
        spans[-1] = style, spans[-1][1] + shown
    else:
        spans.append((style, shown))


def _apply(style: Style, parameters: str) -> Style:
    codes = _read_codes(parameters)
    while codes:
        code = codes.pop(0)
        if code in (38, 48):
            colour = _take_colour(codes)
            if colour is not None:
                style = msgspec.structs.replace(style, **{"ink" if code == 38 else "ground": colour})
        else:
            style = _apply_plain(style, code)
    return style


def _read_codes(parameters: str) -> list[int]:
    """`38:2::R:G:B` has a colour space that nobody fills in; without it the two spellings are one."""
    codes: list[int] = []
    for part in parameters.split(";"):
        numbers = [int(number[:6]) if number else 0 for number in part.split(":")]
        if len(numbers) == 6 and numbers[1] == 2:
            del numbers[2]
        codes += numbers if len(numbers) == 1 or numbers[0] in (38, 48) else numbers[:1]
    return codes


def _apply_plain(style: Style, code: int) -> Style:
    replace = msgspec.structs.replace
    if code == 0:
        return Style()
    if code in _SET:
        return replace(style, **_SET[code])
    if 30 <= code <= 37 or 90 <= code <= 97:
        return replace(style, ink=code - 30 if code < 40 else code - 82)
    if 40 <= code <= 47 or 100 <= code <= 107:
        return replace(style, ground=code - 40 if code < 50 else code - 92)
    return style


_SET: dict[int, dict[str, bool | None]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"inverse": True},
    9: {"struck": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"inverse": False},
    29: {"struck": False},
    39: {"ink": None},
    49: {"ground": None},
}


def _take_colour(codes: list[int]) -> int | None:
    """The colour after a 38 or 48, taken from the codes; None where it is none."""
    kind = codes.pop(0) if codes else 0
    if kind == 5 and codes:
        number = codes.pop(0)
        return number if number < 256 else None
    if kind == 2 and len(codes) >= 3:
        red, green, blue = codes[:3]
        del codes[:3]
        return _nearest(red, green, blue) if max(red, green, blue) < 256 else None
    codes.clear()
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    """The nearest of the 256 colours that are the same everywhere (16 to 255)."""
    steps = [min(range(6), key=lambda step: abs(_CUBE[step] - value)) for value in (red, green, blue)]
    cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    grey = 232 + min(23, max(0, (red + green + blue - 9) // 30))
    wanted = (red, green, blue)
    return min((cube, grey), key=lambda number: _distance(_red_green_blue(number), wanted))


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _red_green_blue(number: int) -> tuple[int, int, int]:
    if number >= 232:
        level = 8 + 10 * (number - 232)
        return level, level, level
    cell = number - 16
    return _CUBE[cell // 36], _CUBE[cell // 6 % 6], _CUBE[cell % 6]


def _show(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
