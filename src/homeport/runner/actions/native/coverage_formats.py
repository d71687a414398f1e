"""Reads how much of the code coverage reports say was run: Cobertura and JaCoCo XML, LCOV, coverage.py's JSON, Go's profiles.

Reports come from the job and are not trusted: XML is read as a stream without entities of its own (the way that small files become huge),
and nothing that a report names is opened.
"""

import re
from collections.abc import Iterable

import msgspec

_LONGEST = 256 << 20
_GO_LINE = re.compile(r".+:\d+\.\d+,\d+\.\d+ (\d+) (\d+)$")


class Totals(msgspec.Struct, frozen=True):
    """Lines (for Go: statements) that can be run, and those that were."""

    covered: int
    lines: int

    @property
    def percent(self) -> float:
        """0 where there is nothing to run."""
        return 100 * self.covered / self.lines if self.lines else 0.0


class UnreadableReportError(ValueError):
    """The report is damaged, or not what it begins as."""


def read_totals(data: bytes) -> Totals | None:
    """What a report sums up to; None for a format that is not read here. Raises `UnreadableReportError`."""
    if len(data) > _LONGEST:
        raise UnreadableReportError("the report is too large to be read")
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        return _read_xml(data)
    if head.startswith(b"{"):
        return _read_json(data)
    text = data.decode("utf-8", "replace")
    if head.startswith(b"mode: "):
        return _read_go(text.splitlines()[1:])
    if re.search(r"^(SF|DA):", text, re.MULTILINE):
        return _read_lcov(text.splitlines())
    return None


def _read_json(data: bytes) -> Totals | None:
    """What `coverage json` writes."""
    try:
        report = msgspec.json.decode(data, type=_PythonReport)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError as error:
        raise UnreadableReportError(f"the report is damaged: {error}") from error
    return Totals(report.totals.covered_lines, report.totals.num_statements)


class _PythonTotals(msgspec.Struct, frozen=True):
    covered_lines: int
    num_statements: int


class _PythonReport(msgspec.Struct, frozen=True):
    totals: _PythonTotals


def _read_go(lines: Iterable[str]) -> Totals:
    covered = total = 0
    for line in filter(None, lines):
        match = _GO_LINE.match(line)
        if match is None:
            raise UnreadableReportError(f"this is not a line of a Go profile: {line[:80]!r}")
        total += int(match[1])
        covered += int(match[1]) if int(match[2]) else 0
    return Totals(covered, total)


def _read_lcov(lines: Iterable[str]) -> Totals:
    """By the lines themselves: sums (`LF`, `LH`) may be absent, and a file may come several times."""
    hits: dict[tuple[str, str], bool] = {}
    file = ""
    for line in lines:
        kind, _, rest = line.strip().partition(":")
        if kind == "SF":
            file = rest
        elif kind == "DA":
            number, _, count = rest.partition(",")
            ran = count.partition(",")[0].strip() not in {"0", "", "-"}
            hits[file, number] = hits.get((file, number), False) or ran
    return Totals(sum(hits.values()), len(hits))


def _read_xml(data: bytes) -> Totals | None:
    from xml.parsers import expat  # noqa: PLC0415 - only for reports in XML

    found = _XmlTotals()
    parser = expat.ParserCreate()
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnreadableReportError(f"the report is damaged: {error}") from error
    return found.totals()


def _refuse_entities(name: str, *_: object) -> None:
    raise UnreadableReportError(f"the report declares an entity ('{name}'), which is not read")


class _XmlTotals:
    """Cobertura: `<line number hits>` below `<class filename>` · JaCoCo: the `LINE` counter of the report itself."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._file = ""
        self._hits: dict[tuple[str, str], bool] = {}
        self._jacoco: Totals | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if name == "class":
            self._file = attributes.get("filename", "")
        elif name == "line" and "hits" in attributes and self._path[:1] == ["coverage"]:
            key = (self._file, attributes.get("number", ""))
            self._hits[key] = self._hits.get(key, False) or attributes["hits"].strip() not in {"0", ""}
        elif name == "counter" and self._path == ["report"] and attributes.get("type") == "LINE":
            self._jacoco = _read_counter(attributes)
        self._path.append(name)

    def end(self, _: str) -> None:
        """An element ends."""
        self._path.pop()

    def totals(self) -> Totals | None:
        """None where it was neither."""
        if self._hits:
            return Totals(sum(self._hits.values()), len(self._hits))
        return self._jacoco


def _read_counter(attributes: dict[str, str]) -> Totals:
    try:
        covered, missed = int(attributes["covered"]), int(attributes["missed"])
    except (KeyError, ValueError) as error:
        raise UnreadableReportError("the report has a counter without numbers") from error
    return Totals(covered, covered + missed)
