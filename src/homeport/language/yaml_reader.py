"""Reads YAML text into nodes with places."""

from typing import Any, NoReturn

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.diagnostics.span import Span, point
from homeport.language.yaml_library import PARSER, Parser, errors, events
from homeport.language.yaml_nodes import Style, YamlDocument, YamlMapping, YamlNode, YamlScalar, YamlSequence
from homeport.language.yaml_problems import Problem, explain, explain_character
from homeport.language.yaml_scalars import Meaning, OutOfRangeError, resolve_plain, resolve_tagged

_CODE = "syntax-check"
_CORE_TAG = "tag:yaml.org,2002:"
_STYLES: dict[str | None, Style] = {
    None: "plain",
    "": "plain",
    "'": "single",
    '"': "double",
    "|": "literal",
    ">": "folded",
}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one file may hold. `size` is GitHub's estimate of memory: 24 bytes a node, and 26 + 2 a character for texts and the path.

    Source: actions/runner `ParseOptions`, `TemplateMemory` and `YamlObjectReader` (its 50,000 nodes are there to stop aliases of
    aliases, so they are applied to files that have an alias).
    """

    characters: int = 1_048_576
    depth: int = 50
    events: int = 1_000_000
    events_with_aliases: int = 50_000
    size: int = 10 * 1_048_576


LIMITS = Limits()


def read_yaml(
    text: str | bytes, file: str, limits: Limits = LIMITS, *, parser: Parser = PARSER
) -> tuple[YamlDocument | None, list[Diagnostic]]:
    """One YAML document, and everything that is wrong with it; no document where it could not be read to its end.

    Bytes are UTF-8, or UTF-16 with a byte-order mark. Scalars follow the core schema of YAML 1.2. An alias gives the very node of its
    anchor, which keeps the anchor's place. Never raises for any input, and takes time linear in it.
    """
    decoded = _decode(text, file, limits)
    if isinstance(decoded, Diagnostic):
        return None, [decoded]
    composer = _Composer(decoded, file, limits)
    try:
        return composer.compose(parser(decoded)), composer.diagnostics
    except _StoppedError as stopped:
        problem = stopped.diagnostic
    except errors.MarkedYAMLError as error:
        problem = _explain_syntax_error(error, decoded, file)
    except errors.YAMLError as error:
        problem = _explain_reader_error(error, decoded, file)
    return None, [*composer.diagnostics, problem]


# --- from bytes to text ----------------------------------------------------------------------------------------------


def _decode(text: str | bytes, file: str, limits: Limits) -> str | Diagnostic:
    too_long = f"the file is longer than {limits.characters:,} characters"
    if isinstance(text, bytes):
        if len(text) > 4 * limits.characters:
            return _invalid(point(file), too_long)
        encoding = "utf-16" if text.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
        try:
            text = text.decode(encoding)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "replace").removeprefix("\ufeff")
            message = f"the file is not {encoding.upper()} text: {error.reason}"
            return _invalid(_place_of_index(before, -1, file), message, "save the file as UTF-8")
    text = text.removeprefix("\ufeff")
    if len(text) > limits.characters:
        return _invalid(point(file), too_long)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return _invalid(_place_of_index(text, error.start, file), "half of a surrogate pair is not a character")
    return text


def _place_of_index(text: str, index: int, file: str) -> Span:
    """The place of one character; a negative index is the end of the text."""
    before = text if index < 0 else text[:index]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Span(file, line, column, line, column + 1)


# --- the library's errors --------------------------------------------------------------------------------------------


def _invalid(span: Span, message: str, hint: str | None = None, related: tuple[Related, ...] = ()) -> Diagnostic:
    return Diagnostic(code=_CODE, message=message, span=span, invalid=True, hint=hint, related=related)


def _report(span: Span, problem: Problem, related: tuple[Related, ...] = ()) -> Diagnostic:
    return _invalid(span, f"this is not YAML: {problem.message}", problem.hint, related)


def _explain_reader_error(error: errors.YAMLError, text: str, file: str) -> Diagnostic:
    """A `ReaderError`: the one kind that has no mark."""
    _, position, character, encoding, _ = error.args
    code = character if isinstance(character, int) else ord(character[:1])
    if encoding == "unicode":  # the library in Python counts characters
        return _report(_place_of_index(text, position, file), explain_character(code))
    index = len(text.encode()[:position].decode(errors="replace"))  # the one in C counts bytes
    return _report(
        _place_of_index(text, index, file), explain_character(ord(text[index]) if index < len(text) else code)
    )


def _explain_syntax_error(error: errors.MarkedYAMLError, text: str, file: str) -> Diagnostic:
    mark = error.problem_mark
    if mark is None:
        return _report(point(file), explain(error.context, error.problem or "", ""))
    line, column = mark.line + 1, mark.column + 1
    # What does not fit and what it does not fit to: the character before is blamed too, where there is one on the line.
    span = Span(file, line, max(column - 1, 1), line, column + 1)
    related: tuple[Related, ...] = ()
    begun = error.context_mark
    if begun is not None and begun.line != mark.line:
        place = Span(file, begun.line + 1, begun.column + 1, begun.line + 1, begun.column + 2)
        related = (Related("what was being read begins here", place),)
    return _report(span, explain(error.context, error.problem or "", text[mark.index : mark.index + 1]), related)


# --- from events to nodes --------------------------------------------------------------------------------------------


class _StoppedError(Exception):
    """The reader gives up here: a limit was passed, or a second document begins."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class _Anchor:
    """A named node, and what it weighs each time that it is used; `node` is None while it is open."""

    __slots__ = ("events", "height", "name", "node", "size", "span", "used")

    def __init__(self, name: str, start: Any, file: str) -> None:
        line, column = start.line + 1, start.column + 1
        self.name = name
        self.span = Span(file, line, column, line, column + len(name) + 1)
        self.node: YamlNode | None = None
        self.used = False
        self.events = 0
        self.size = 0
        self.height = 0


class _Frame:
    """An open list or mapping: what it holds so far, and what had been counted before it."""

    __slots__ = ("anchor", "events", "height", "is_mapping", "items", "size", "start")

    def __init__(self, start: Any, anchor: _Anchor | None, events: int, size: int, *, is_mapping: bool) -> None:
        self.start = start
        self.anchor = anchor
        self.events = events
        self.size = size
        self.is_mapping = is_mapping
        self.height = 1
        self.items: list[YamlNode] = []


class _Composer:
    """Builds nodes from the library's events on a stack of its own, so that nesting never becomes recursion."""

    def __init__(self, text: str, file: str, limits: Limits) -> None:
        self.text = text
        self.file = file
        self.limits = limits
        self.diagnostics: list[Diagnostic] = []
        self.frames: list[_Frame] = []
        self.anchors: dict[str, _Anchor] = {}
        self.all_anchors: list[_Anchor] = []
        self.root: YamlNode | None = None
        self.events = 0
        self.most_events = limits.events
        self.size = 26 + 2 * len(file)

    def compose(self, parser: Any) -> YamlDocument | None:
        """Read all events. Raises _StoppedError, and the library's errors."""
        act = {
            events.ScalarEvent: self._add_scalar,
            events.MappingStartEvent: self._open,
            events.SequenceStartEvent: self._open,
            events.MappingEndEvent: self._close,
            events.SequenceEndEvent: self._close,
            events.AliasEvent: self._add_alias,
            events.DocumentStartEvent: self._begin_document,
        }
        get_event = parser.get_event
        while True:
            event = get_event()
            self._count_events(1, event)
            action = act.get(event.__class__)
            if action is not None:
                action(event)
            elif event.__class__ is events.StreamEndEvent:
                return self._finish()

    def _begin_document(self, event: Any) -> None:
        if self.root is not None:
            self._stop(event, "a second YAML document begins here; expected one document a file")

    def _finish(self) -> YamlDocument | None:
        for anchor in self.all_anchors:
            if not anchor.used:
                message = f"the anchor '{anchor.name}' is defined and never used"
                hint = f"remove '&{anchor.name}', or use it as '*{anchor.name}'"
                self.diagnostics.append(
                    Diagnostic(code=_CODE, message=message, span=anchor.span, severity="warning", hint=hint)
                )
        if self.root is None:
            self.diagnostics.append(_invalid(point(self.file), "the file is empty, or holds only comments"))
            return None
        return YamlDocument(self.root, self.size)

    # --- scalars -----------------------------------------------------------------------------------------------------

    def _add_scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        style = _STYLES[event.style]
        text: str = event.value
        if event.tag is not None:
            meaning = self._resolve_tagged(event, text, style)
        elif style == "plain":
            meaning = self._resolve_plain(event, text)
        else:
            meaning = Meaning("string", text)
        written = self.text[start.index : end.index]
        end_line, end_column = end.line + 1, end.column + 1
        if event.style in {"|", ">"}:  # it ends with its last line, not where the next token begins
            written = written.rstrip()
            end_line = start.line + 1 + written.count("\n")
            end_column = len(written) - written.rfind("\n") + (0 if "\n" in written else start.column)
        span = Span(self.file, start.line + 1, start.column + 1, end_line, end_column)
        size_before = self.size
        self._grow(50 + 2 * len(meaning.text) if meaning.kind == "string" else 24, event)
        anchor = None if event.anchor is None else self._open_anchor(event.anchor, start)
        node = YamlScalar(meaning.kind, meaning.text, span, style, written, meaning.number)
        self._complete(node, 0, anchor, self.events - 1, size_before)

    def _resolve_plain(self, event: Any, text: str) -> Meaning:
        try:
            return resolve_plain(text)
        except OutOfRangeError:
            self.diagnostics.append(_invalid(self._span(event), f"the number '{text}' does not fit in 32 bits"))
            return Meaning("broken", text)

    def _resolve_tagged(self, event: Any, text: str, style: Style) -> Meaning:
        tag: str = event.tag
        name = tag.removeprefix(_CORE_TAG)
        hint = None
        if name == tag or name not in {"str", "int", "float", "bool", "null"}:
            message = f"the tag '{tag}' is not supported; expected !!str, !!int, !!float, !!bool or !!null"
            hint = "put text that begins with '!' in quotes; a condition that begins with '!' can be written ${{ !… }}"
        elif name != "str" and style != "plain":
            message = f"text in quotes or a block cannot have the tag !!{name}; expected !!str, or a plain value"
        else:
            message = f"'{text}' is not a value of the type !!{name}"
            try:
                meaning = resolve_tagged(text, name)
            except OutOfRangeError:
                meaning = None
            if meaning is not None:
                return meaning
        self.diagnostics.append(_invalid(self._span(event), message, hint))
        return Meaning("broken", text)

    # --- lists, mappings, aliases ------------------------------------------------------------------------------------

    def _open(self, event: Any) -> None:
        if len(self.frames) >= self.limits.depth:
            self._stop(event, f"lists and mappings are nested more than {self.limits.depth} levels deep")
        anchor = None if event.anchor is None else self._open_anchor(event.anchor, event.start_mark)
        is_mapping = event.__class__ is events.MappingStartEvent
        self.frames.append(_Frame(event.start_mark, anchor, self.events - 1, self.size, is_mapping=is_mapping))
        self._grow(24, event)

    def _close(self, event: Any) -> None:
        frame = self.frames.pop()
        line, column = frame.start.line + 1, frame.start.column + 1
        end = event.end_mark
        end_line, end_column = end.line + 1, end.column + 1
        if event.start_mark.index == end.index:  # a block ends with its last entry, not where the next token begins
            last = frame.items[-1].span if frame.items else None
            end_line, end_column = (last.end_line, last.end_column) if last is not None else (line, column)
        # The last entry may be an alias of something further up.
        end_line, end_column = max((end_line, end_column), (line, column))
        span = Span(self.file, line, column, end_line, end_column)
        node: YamlNode
        node = (
            YamlMapping(self._pair(frame.items), span) if frame.is_mapping else YamlSequence(tuple(frame.items), span)
        )
        self._complete(node, frame.height, frame.anchor, frame.events, frame.size)

    def _pair(self, items: list[YamlNode]) -> tuple[tuple[YamlScalar, YamlNode], ...]:
        pairs: list[tuple[YamlScalar, YamlNode]] = []
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, YamlScalar):
                self.diagnostics.append(_invalid(key.span, "a key is text; found a list or a mapping"))
            elif key.text == "<<" and key.style == "plain":
                hint = "write the keys out, or give the whole mapping an anchor and use it unchanged"
                self.diagnostics.append(_invalid(key.span, "merge keys ('<<') are not supported", hint))
            elif key.kind != "broken":
                pairs.append((key, value))
        return tuple(pairs)

    def _add_alias(self, event: Any) -> None:
        name: str = event.anchor
        anchor = self.anchors.get(name)
        self.most_events = min(self.most_events, self.limits.events_with_aliases)
        related: tuple[Related, ...] = ()
        if anchor is None:
            message = f"the alias '*{name}' refers to no anchor; expected '&{name}' above it"
        elif anchor.node is None:
            anchor.used = True
            message = f"the alias '*{name}' is part of what it refers to"
            related = (Related(f"'{name}' begins here and has not ended", anchor.span),)
        else:
            self._repeat(anchor, anchor.node, event)
            return
        self.diagnostics.append(_invalid(self._span(event), message, related=related))
        self._complete(YamlScalar("broken", "", self._span(event)), 0, None, 0, 0)

    def _repeat(self, anchor: _Anchor, node: YamlNode, event: Any) -> None:
        anchor.used = True
        self._count_events(anchor.events, event)
        self._grow(anchor.size, event)
        if len(self.frames) + anchor.height > self.limits.depth:
            self._stop(
                event, f"with this alias, lists and mappings are nested more than {self.limits.depth} levels deep"
            )
        self._complete(node, anchor.height, None, 0, 0)

    # --- bookkeeping -------------------------------------------------------------------------------------------------

    def _complete(
        self, node: YamlNode, height: int, anchor: _Anchor | None, events_before: int, size_before: int
    ) -> None:
        if anchor is not None:
            anchor.node = node
            anchor.height = height
            anchor.events = self.events - events_before
            anchor.size = self.size - size_before
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        frame.items.append(node)
        frame.height = max(frame.height, height + 1)

    def _open_anchor(self, name: str, start: Any) -> _Anchor:
        anchor = _Anchor(name, start, self.file)
        self.anchors[name] = anchor
        self.all_anchors.append(anchor)
        return anchor

    def _count_events(self, events: int, event: Any) -> None:
        self.events += events
        if self.events > self.most_events:
            self._stop(
                event, f"the file holds more than {self.most_events:,} nodes (aliases count each time they are used)"
            )

    def _grow(self, size: int, event: Any) -> None:
        self.size += size
        if self.size > self.limits.size:
            self._stop(event, f"the file takes more than {self.limits.size:,} bytes once it is read")

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _stop(self, event: Any, message: str) -> NoReturn:
        raise _StoppedError(_invalid(self._span(event), message))
