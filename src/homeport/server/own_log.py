"""What a server says about itself: one line a message, for people or as JSON, with nothing in it that opens a door.

Whoever logs names what it is about by fields (`extra`): `repository`, `delivery`, `event`, `run`, `attempt`, `lease`, `runner`, `path`,
`fault`. Values come from outside, so nothing of them ends a line or moves a terminal's cursor.
"""

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from homeport.run.facts import Fact, RunFinished, RunQueued

_STANDARD = frozenset([*vars(logging.LogRecord("", 0, "", 0, "", None, None)), "message", "asctime", "taskName"])
_UNWANTED = frozenset({"color_message"})
"""uvicorn's, with the same words as the message"""
_HIDDEN = "***"
_DOORS = (
    re.compile(r"\bhp[tjilsw]_[\w-]{16,}"),  # `server.credentials`
    re.compile(r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"),
    re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)"),  # user and password in an address
    re.compile(r"(?i)(?<=authorization: )[^\r\n]*"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}"),
    re.compile(r"(?i)(?<=[?&])((?:access_)?token|code|key|password|secret|signature)=[^&\s\"']*"),
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LOG = logging.getLogger("homeport.runs")


class LogFormatter(logging.Formatter):
    """Gives a record as a line of JSON (`time`, `level`, `logger`, `message`, its fields, `exception` where there is one), or as a line
    of text, with an exception indented below it.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Without a newline at its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level = record.levelname.lower()
        message = hide_doors(record.getMessage())
        fields = {name: _show(value) for name, value in vars(record).items() if name not in _STANDARD | _UNWANTED}
        trace = hide_doors(self.formatException(record.exc_info)) if record.exc_info and record.exc_info[0] else ""
        if self._as_json:
            line = {"time": at, "level": level, "logger": record.name, "message": message, **fields}
            return _encode(line | {"exception": trace} if trace else line)
        words = [f"{at} {level} {record.name}: {_escape(message)}"]
        words += [f"{name}={_escape(str(value))}" for name, value in fields.items()]
        return "\n    ".join([" ".join(words), *(_escape(line) for line in trace.splitlines())])


def hide_doors(text: str) -> str:
    """The same without what is good as a password: nobody should log any, and an error's words may hold one all the same."""
    for pattern in _DOORS:
        text = pattern.sub(_hide, text)
    return text


def note_runs(facts: Sequence[Fact]) -> None:
    """A `Listener` that says of each run that it has begun, and how it has ended."""
    for fact in facts:
        match fact:
            case RunQueued():
                about = {"run": fact.run, "attempt": fact.attempt, "workflow": fact.workflow, "event": fact.event}
                _LOG.info("a run begins", extra=about)
            case RunFinished():
                about = {"run": fact.run, "workflow": fact.workflow, "conclusion": fact.conclusion}
                _LOG.info("a run has ended", extra=about)
            case _:
                pass


def _hide(found: re.Match[str]) -> str:
    name = found[1] if found.re.groups else None
    return f"{name}={_HIDDEN}" if name else _HIDDEN


def _show(value: object) -> str | int | float | None:
    return value if isinstance(value, bool | int | float | None) else hide_doors(str(value))


def _encode(line: dict[str, str | int | float | None]) -> str:
    try:
        return msgspec.json.encode(line).decode()
    except UnicodeEncodeError:  # half a character pair, of a name that was not UTF-8
        return msgspec.json.encode({name: _escape(str(value)) for name, value in line.items()}).decode()


def _escape(text: str) -> str:
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
