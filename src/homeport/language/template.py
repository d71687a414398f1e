"""Reads YAML nodes by a grammar: what fits becomes tokens, what does not becomes diagnostics, and the reading goes on.

Source: actions/runner `TemplateReader` (which kinds become text, keys compared ignoring case, required keys) and
`WorkflowTemplateConverter`.
"""

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.diagnostics.span import Span
from homeport.language.embedded import INSERT, OPEN, TextReader
from homeport.language.grammar_model import ANYTHING, Choice, Mapping, Value
from homeport.language.names import Suggester, list_names, quote
from homeport.language.tokens import (
    BooleanToken,
    Entry,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NullToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Text,
    Token,
)
from homeport.language.yaml_nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence


class Slot:
    """Where the reader is: what may stand there, which key led there, whose expressions are allowed, what GitHub reads over."""

    __slots__ = ("at", "is_lenient", "key", "key_span", "value")

    def __init__(self, value: Value, above: "Slot | None" = None, key: str = "", key_span: Span | None = None) -> None:
        self.value = value
        self.key = key
        self.key_span = key_span
        """None for the root and for items of a list"""
        self.at: str = value.at if value.at or above is None else above.at
        self.is_lenient: bool = value.is_lenient or (above is not None and above.is_lenient)


class TemplateReader:
    """Reads the nodes of one file; what is wrong is added to `diagnostics`."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        self._suggester = Suggester()
        self._texts = TextReader(diagnostics, self._suggester)

    def read_file(self, node: YamlNode, value: Value) -> Token | None:
        """The tokens of a whole file, without what did not fit; None where the root did not."""
        return self._read(node, Slot(value))

    def _read(self, node: YamlNode, slot: Slot) -> Token | None:
        if isinstance(node, YamlScalar):
            return self._read_scalar(node, slot)
        if isinstance(node, YamlMapping):
            return self._read_mapping(node, slot)
        return self._read_sequence(node, slot)

    # --- scalars -----------------------------------------------------------------------------------------------------

    def _read_scalar(self, scalar: YamlScalar, slot: Slot) -> Token | None:
        value, kind = slot.value, scalar.kind
        if kind == "broken":
            return None
        if value.is_condition:
            return self._texts.read_condition(scalar, slot.at)
        if kind == "string" and OPEN in scalar.text:
            return self._read_embedded(scalar, slot)
        if value.anything or (kind in value.scalars and kind != "string"):
            return _plain_token(scalar)
        if "string" in value.scalars:
            return self._check_text(StringToken(scalar.text, scalar.span), slot)
        self._unexpected(scalar, slot)
        return None

    def _read_embedded(self, scalar: YamlScalar, slot: Slot) -> Token | None:
        value = slot.value
        count = len(self.diagnostics)
        token = self._texts.read(scalar, slot.at)
        if len(self.diagnostics) > count:  # a wrong expression leaves a text, where it could have stood
            return token if slot.at and (value.anything or "string" in value.scalars) else None
        if isinstance(token, ExpressionToken) and token.source == INSERT:
            self._report(scalar.span, f"'insert' is the key of a mapping; expected {value.title}", slot)
            return None
        if isinstance(token, StringToken):
            if value.anything:
                return token
            if "string" in value.scalars:
                return self._check_text(token, slot)
        if isinstance(token, ExpressionToken) or value.anything or "string" in value.scalars:
            return token
        message = f"{_subject(slot)} is text with expressions in it; expected {value.title}, or one expression alone"
        self._report(scalar.span, message, slot)
        return None

    def _check_text(self, token: StringToken, slot: Slot) -> StringToken | None:
        value, text = slot.value, token.value
        if value.one_of and (text.lower() if value.ignores_case else text) not in value.one_of:
            found = f"unexpected value {quote(text)}" if text else "no value"
            message = f"{found}{_for(slot)}; expected {_one_of(value)}"
            self._report(token.span, message, slot, hint=self._suggester.suggest(text, value.one_of))
            return token if value.mapping is not None else None  # that something is written still counts
        if value.non_empty and not text:
            self._report(token.span, f"{_subject(slot)} is empty; expected {value.title}", slot)
            return None
        return token

    def _unexpected(self, scalar: YamlScalar, slot: Slot) -> None:
        value = slot.value
        found = f"unexpected value {quote(scalar.text)}" if scalar.kind != "null" else "no value"
        hint = None
        if (
            scalar.kind == "string"
            and value.scalars
            and scalar.text.lower() in {"yes", "no", "on", "off", "true", "false"}
        ):
            hint = f"write {'true' if scalar.text.lower() in {'yes', 'on', 'true'} else 'false'}, without quotes"
        self._report(scalar.span, f"{found}{_for(slot)}; expected {value.title}", slot, hint=hint)

    # --- lists -------------------------------------------------------------------------------------------------------

    def _read_sequence(self, node: YamlSequence, slot: Slot) -> Token | None:
        value = slot.value
        item = ANYTHING if value.anything else value.items
        if item is None:
            self._report(node.span, f"a list was not expected{_for(slot)}; expected {value.title}", slot)
            return None
        below = Slot(item, slot, slot.key)
        tokens = [self._read(child, below) for child in node.items]
        return SequenceToken(tuple(token for token in tokens if token is not None), node.span)

    # --- mappings ----------------------------------------------------------------------------------------------------

    def _read_mapping(self, node: YamlMapping, slot: Slot) -> Token | None:
        value = slot.value
        if value.anything:
            return self._read_entries(node, _ANY_MAPPING, slot)
        mapping = value.mapping
        if mapping is None:
            self._report(node.span, f"a mapping was not expected{_for(slot)}; expected {value.title}", slot)
            return None
        if isinstance(mapping, Choice):
            chosen = _choose(node, mapping)
            if chosen is None:
                keys = list_names(mapping.decides)
                message = f"it is not clear what {mapping.title} does; expected one of the keys {keys}"
                self._report(slot.key_span or node.span, message, slot)
                return None
            mapping = chosen
        return self._read_entries(node, mapping, slot)

    def _read_entries(self, node: YamlMapping, mapping: Mapping, slot: Slot) -> MappingToken:
        seen: dict[str, Span] = {}
        entries: list[Entry] = []
        has_dynamic_key = False
        for key_node, child in node.pairs:
            key = self._read_key(key_node, slot)
            if isinstance(key, StringToken):
                entry = self._read_entry(key, child, mapping, seen, slot)
            else:
                has_dynamic_key = True
                entry = None if key is None else self._read_dynamic_entry(key, child, mapping, slot)
            if entry is not None:
                entries.append(entry)
        if not has_dynamic_key:
            self._check_required(node, mapping, seen, slot)
        return MappingToken(tuple(entries), node.span)

    def _read_key(self, key: YamlScalar, slot: Slot) -> Text | None:
        if key.kind != "string" or OPEN not in key.text:
            return StringToken(key.text, key.span)
        count = len(self.diagnostics)
        token = self._texts.read(key, slot.at)
        if len(self.diagnostics) > count:
            return None
        return token

    def _read_entry(
        self, key: StringToken, child: YamlNode, mapping: Mapping, seen: dict[str, Span], slot: Slot
    ) -> Entry | None:
        folded = key.value.lower()
        if folded in seen:
            self._report_duplicate(key, seen[folded], mapping)
            return None
        seen[folded] = key.span
        known = mapping.keys.get(key.value) or mapping.named
        if known is None:
            self._report_unknown_key(key, mapping, slot)
            return None
        if not key.value and known is mapping.named:
            self._report(key.span, f"a key of {mapping.title} is empty; expected a name", slot)
            return None
        token = self._read(child, Slot(known, slot, key.value, key.span))
        return None if token is None else Entry(key, token)

    def _read_dynamic_entry(
        self, key: ExpressionToken | InterpolationToken, child: YamlNode, mapping: Mapping, slot: Slot
    ) -> Entry | None:
        known = mapping.named if mapping.named is not None and not mapping.keys else ANYTHING
        token = self._read(child, Slot(known, slot, "", key.span))
        return None if token is None else Entry(key, token)

    def _check_required(self, node: YamlMapping, mapping: Mapping, seen: dict[str, Span], slot: Slot) -> None:
        for key in (*mapping.required, *mapping.expected):
            if key in seen:
                continue
            where = f" in {quote(slot.key)}" if slot.key and slot.key_span is not None else ""
            span = slot.key_span or _begin(node.span)
            message = f"the key '{key}' is missing{where}: {mapping.title} needs it"
            is_refused = key in mapping.required and not slot.is_lenient
            self.diagnostics.append(
                Diagnostic(code=slot.value.code, message=message, span=span, invalid=is_refused, hint=f"add '{key}:'")
            )

    # --- messages ----------------------------------------------------------------------------------------------------

    def _report_duplicate(self, key: StringToken, first: Span, mapping: Mapping) -> None:
        message = f"the key {quote(key.value)} is already defined in {mapping.title}; keys are compared ignoring case"
        related = (Related("it is first defined here", first),)
        self.diagnostics.append(
            Diagnostic(code="syntax-check", message=message, span=key.span, invalid=True, related=related)
        )

    def _report_unknown_key(self, key: StringToken, mapping: Mapping, slot: Slot) -> None:
        code = mapping.moved_code if key.value in mapping.moved_keys else mapping.key_code
        expected = f"expected one of {list_names(mapping.keys)}" if mapping.keys else "it has no settings"
        self.diagnostics.append(
            Diagnostic(
                code=code,
                message=f"unknown key {quote(key.value)} in {mapping.title}; {expected}",
                span=key.span,
                invalid=not slot.is_lenient and not mapping.is_open,
                hint=self._suggester.suggest(key.value, mapping.keys),
            )
        )

    def _report(self, span: Span, message: str, slot: Slot, hint: str | None = None) -> None:
        self.diagnostics.append(
            Diagnostic(code=slot.value.code, message=message, span=span, invalid=not slot.is_lenient, hint=hint)
        )


_ANY_MAPPING = Mapping(title="a mapping", named=ANYTHING)


def _plain_token(scalar: YamlScalar) -> Token:
    match scalar.kind:
        case "null":
            return NullToken(scalar.span)
        case "boolean":
            return BooleanToken(scalar.text == "true", scalar.span)
        case "number":
            return NumberToken(scalar.number, scalar.text, scalar.span)
        case _:
            return StringToken(scalar.text, scalar.span)


def _choose(node: YamlMapping, choice: Choice) -> Mapping | None:
    if choice.key:
        for key, child in node.pairs:
            if key.text == choice.key and isinstance(child, YamlScalar) and child.text.lower() in choice.by_value:
                return choice.by_value[child.text.lower()]
    for table in (choice.decides, choice.suggests):
        for key, _ in node.pairs:
            if key.text in table:
                return table[key.text]
    return choice.otherwise


def _begin(span: Span) -> Span:
    return Span(span.file, span.line, span.column, span.line, span.column + 1)


def _subject(slot: Slot) -> str:
    if not slot.key:
        return "the value"
    return f"a value in {quote(slot.key)}" if slot.key_span is None else f"the value of {quote(slot.key)}"


def _for(slot: Slot) -> str:
    if not slot.key:
        return ""
    return f" in {quote(slot.key)}" if slot.key_span is None else f" for {quote(slot.key)}"


def _one_of(value: Value) -> str:
    return value.title if value.mapping is not None else f"{value.title}: one of {list_names(value.one_of)}"
