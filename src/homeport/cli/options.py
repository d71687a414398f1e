"""Options of the command line: a command states them as data; parsing, help and messages follow from that.

`argparse` costs more to import than most commands take to run, and this table gives better messages.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from homeport.cli.errors import UsageError
from homeport.language.names import find_nearest


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option. Without `value` it is a flag. `name` and `short` are written with their dashes."""

    name: str
    value: str = ""
    """what stands for the value in the help: `FILE`, `K=V`"""
    help: str
    short: str = ""
    repeat: bool = False
    choices: tuple[str, ...] = ()
    whole_number: bool = False
    minimum: int = 1


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """How one command is called. `arguments` is what stands for its positional arguments in the help: `[WORKFLOW…]`."""

    name: str
    summary: str
    options: tuple[Option, ...] = ()
    arguments: str = ""
    fewest: int = 0
    most: int | None = 0
    """None: any number"""
    details: str = ""


FORMAT = Option(name="--format", value="text|json", help="how to print (default: text)", choices=("text", "json"))
HELP = Option(name="--help", short="-h", help="show this help")


class Options:
    """What was given on the command line. Asking for an option that the command does not state is a KeyError, so a fault of ours."""

    __slots__ = ("_values", "arguments")

    def __init__(self, arguments: tuple[str, ...], values: dict[str, list[str]]) -> None:
        self.arguments = arguments
        self._values = values

    def narrow(self, command: Command) -> "Options":
        """The same for another command: what it does not state is left out."""
        return Options(self.arguments, {option.name: self._values.get(option.name, []) for option in command.options})

    def fill(self, remembered: Mapping[str, Sequence[str]]) -> "Options":
        """The same, with earlier values for options that were not given now."""
        values = {name: given or list(remembered.get(name, ())) for name, given in self._values.items()}
        return Options(self.arguments, values)

    def flag(self, name: str) -> bool:
        """Whether a flag was given."""
        return bool(self._values[name])

    def find(self, name: str) -> str | None:
        """The value of an option, None where it was not given."""
        given = self._values[name]
        return given[-1] if given else None

    def get(self, name: str, default: str) -> str:
        """The value of an option, or what holds where it was not given."""
        given = self._values[name]
        return given[-1] if given else default

    def number(self, name: str, default: int) -> int:
        """The value of an option that is a whole number."""
        given = self._values[name]
        return int(given[-1]) if given else default

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of an option that may be repeated, in order."""
        return tuple(self._values[name])


def parse_options(command: Command, words: Sequence[str]) -> Options:
    """Read the words after the command's name. Raises `UsageError`. `--help` is left to the caller (`wants_help`)."""
    known = {name: option for option in command.options for name in (option.name, option.short) if name}
    values: dict[str, list[str]] = {option.name: [] for option in command.options}
    arguments: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            arguments.extend(rest)
        elif word.startswith("-") and word != "-":
            name, equals, value = word.partition("=")
            option = known.get(name)
            if option is None:
                raise _unknown(command, name)
            if not option.value:
                if equals:
                    raise UsageError(f"{name} takes no value, found {value!r}")
                value = "yes"
            elif not equals:
                value = _next_value(option, rest)
            _check(option, value)
            if values[option.name] and option.value and not option.repeat:
                raise UsageError(
                    f"{option.name} is given twice", f"keep one of {values[option.name][0]!r} and {value!r}"
                )
            values[option.name].append(value)
        else:
            arguments.append(word)
    _check_count(command, arguments)
    return Options(tuple(arguments), values)


def wants_help(words: Sequence[str]) -> bool:
    """Whether `--help` or `-h` is among the words before a `--`."""
    head = words[: list(words).index("--")] if "--" in words else words
    return "--help" in head or "-h" in head


def render_help(command: Command) -> str:
    """The help of one command."""
    lines = [f"homeport {command.name}: {command.summary}", "", "usage: " + _usage(command)]
    if command.details:
        lines += ["", command.details]
    lines += ["", "options:"]
    rows = [(_heading(option), option.help) for option in (*command.options, HELP)]
    width = min(max(len(heading) for heading, _ in rows), 34)
    for heading, text in rows:
        if len(heading) > width:
            lines += [f"  {heading}", f"  {'':{width}}  {text}"]
        else:
            lines.append(f"  {heading:{width}}  {text}")
    return "\n".join(lines)


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant, if one is near."""
    return find_nearest(word, known)


def shell_word(word: str) -> str:
    """A word as it has to be written for a shell (`shlex` is slow to import)."""
    is_plain = word and all(character.isalnum() or character in "_-./:=@%+," for character in word)
    return word if is_plain else "'" + word.replace("'", "'\\''") + "'"


def _usage(command: Command) -> str:
    parts = ["homeport", command.name, "[options]" if command.options else "", command.arguments]
    return " ".join(part for part in parts if part)


def _heading(option: Option) -> str:
    names = f"{option.short}, {option.name}" if option.short else option.name
    return f"{names} {option.value}" if option.value else names


def _next_value(option: Option, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise UsageError(f"{option.name} needs a value: {option.name} {option.value}")
    return value


def _check(option: Option, value: str) -> None:
    if option.choices and value not in option.choices:
        meant = nearest(value, option.choices)
        expected = ", ".join(option.choices)
        raise UsageError(
            f"{option.name} is {value!r}, expected one of {expected}",
            f"did you mean {option.name} {meant}?" if meant else None,
        )
    if option.whole_number and not (value.isascii() and value.isdigit() and int(value) >= option.minimum):
        raise UsageError(f"{option.name} is {value!r}, expected a whole number, at least {option.minimum}")


def _check_count(command: Command, arguments: list[str]) -> None:
    if len(arguments) < command.fewest:
        raise UsageError(f"homeport {command.name} needs {command.arguments}", f"usage: {_usage(command)}")
    if command.most is not None and len(arguments) > command.most:
        extra = arguments[command.most]
        raise UsageError(f"homeport {command.name} does not take {extra!r}", f"usage: {_usage(command)}")


def _unknown(command: Command, name: str) -> UsageError:
    names = [known for option in (*command.options, HELP) for known in (option.name, option.short) if known]
    meant = nearest(name, names)
    hint = f"did you mean {meant}?" if meant else f"`homeport {command.name} --help` lists them"
    return UsageError(f"homeport {command.name} has no option {name}", hint)
