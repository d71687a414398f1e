"""Reads `on`: events with their filters, schedules and interfaces.

Source: docs "Workflow syntax: on" and "Events that trigger workflows".
"""

from homeport.diagnostics.diagnostic import Related
from homeport.language.cron import SHORTEST_INTERVAL_MINUTES, CronError, parse_cron, shortest_interval_minutes
from homeport.language.names import quote
from homeport.language.nodes import Cron, Filter, InputDeclaration, OutputDeclaration, SecretDeclaration, Trigger
from homeport.language.parser.findings import Findings
from homeport.language.parser.values import (
    as_plain,
    as_string,
    as_text,
    as_true,
    fields,
    find_entry,
    literal_entries,
    strings_of,
)
from homeport.language.timezones import is_time_zone, list_time_zones
from homeport.language.tokens import (
    BooleanToken,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Token,
)

_CODE = "events"
_MOST_INPUTS = 25
_EXCLUSIVE = ("branches", "tags", "paths")
_CONSTANTS = {
    "boolean": BooleanToken | ExpressionToken | InterpolationToken,
    "number": NumberToken | ExpressionToken | InterpolationToken,
}


def read_triggers(token: Token | None, findings: Findings) -> tuple[Trigger, ...]:
    """The events of `on`, in order. Repeated names in a list count once."""
    events: dict[str, Trigger] = {}
    if isinstance(token, MappingToken):
        events = {key.value: _read_event(key, value, findings) for key, value in literal_entries(token)}
    for name in strings_of(token):
        events.setdefault(name.value, Trigger(event=name.value, span=name.span))
    if token is not None and not events and not findings.has_invalid:
        findings.refuse(_CODE, token.span, "no event is named; expected at least one", hint="write 'on: push'")
    return tuple(events.values())


def _read_event(key: StringToken, token: Token, findings: Findings) -> Trigger:
    event = key.value
    if event == "schedule":
        return Trigger(event=event, span=key.span, schedules=_read_schedules(token, findings))
    settings = fields(token)
    if event == "workflow_dispatch":
        return Trigger(event=event, span=key.span, inputs=_read_dispatch_inputs(settings.get("inputs"), findings))
    if event == "workflow_call":
        return Trigger(
            event=event,
            span=key.span,
            inputs=_read_call_inputs(settings.get("inputs"), findings),
            secrets=_read_secrets(settings.get("secrets")),
            outputs=read_outputs(settings.get("outputs")),
        )
    _check_exclusive(event, token, findings)
    types = settings.get("types")
    return Trigger(
        event=event,
        span=key.span,
        types=None if types is None else strings_of(types),
        branches=_read_filter(settings.get("branches")),
        branches_ignore=_read_filter(settings.get("branches-ignore")),
        tags=_read_filter(settings.get("tags")),
        tags_ignore=_read_filter(settings.get("tags-ignore")),
        paths=_read_filter(settings.get("paths")),
        paths_ignore=_read_filter(settings.get("paths-ignore")),
        workflows=_read_filter(settings.get("workflows")),
        names=_read_filter(settings.get("names")),
        versions=_read_filter(settings.get("versions")),
    )


# --- filters ---------------------------------------------------------------------------------------------------------


def _read_filter(token: Token | None) -> Filter | None:
    return None if token is None else Filter(strings_of(token), token.span)


def _check_exclusive(event: str, token: Token, findings: Findings) -> None:
    for name in _EXCLUSIVE:
        places = [entry.key.span for key in (name, f"{name}-ignore") if (entry := find_entry(token, key)) is not None]
        if len(places) < 2:
            continue
        first, second = sorted(places, key=lambda span: (span.line, span.column))
        message = f"'{name}' and '{name}-ignore' cannot both filter the event '{event}'"
        hint = f"keep '{name}', and put '!' before the patterns to leave out"
        findings.refuse(_CODE, second, message, hint=hint, related=(Related("the other filter is here", first),))


# --- schedules -------------------------------------------------------------------------------------------------------


def _read_schedules(token: Token, findings: Findings) -> tuple[Cron, ...]:
    schedules: list[Cron] = []
    for item in token.items if isinstance(token, SequenceToken) else ():
        settings = fields(item)
        cron, zone = as_string(settings.get("cron")), as_string(settings.get("timezone"))
        if cron is not None:
            _check_cron(cron, findings)
            schedules.append(Cron(cron, zone))
        if zone is not None and not is_time_zone(zone.value):
            message = f"unknown time zone {quote(zone.value)}; expected an IANA name such as 'Europe/Berlin'"
            findings.refuse(_CODE, zone.span, message, hint=findings.suggester.suggest(zone.value, list_time_zones()))
    return tuple(schedules)


def _check_cron(token: StringToken, findings: Findings) -> None:
    try:
        schedule = parse_cron(token.value)
    except CronError as error:
        hint = "write minute, hour, day of the month, month and day of the week, such as '30 4 * * 1-5'"
        findings.refuse(_CODE, token.span, f"invalid cron expression {quote(token.value)}: {error.message}", hint=hint)
        return
    interval = shortest_interval_minutes(schedule)
    if interval < SHORTEST_INTERVAL_MINUTES:
        minutes = "1 minute" if interval == 1 else f"{interval} minutes"
        message = f"the schedule {quote(token.value)} fires every {minutes}; the shortest interval is {SHORTEST_INTERVAL_MINUTES}"
        findings.report(_CODE, token.span, message, hint="write '*/5' for the minute")


# --- inputs, secrets, outputs ----------------------------------------------------------------------------------------


def read_outputs(token: Token | None) -> tuple[OutputDeclaration, ...]:
    """The outputs of a reusable workflow or an action."""
    return tuple(
        OutputDeclaration(
            name=key.value,
            value=as_text(settings.get("value")),
            description=as_plain(settings.get("description")),
            span=key.span,
        )
        for key, value in literal_entries(token)
        for settings in (fields(value),)
    )


def _read_secrets(token: Token | None) -> tuple[SecretDeclaration, ...]:
    return tuple(
        SecretDeclaration(
            name=key.value,
            required=as_true(settings.get("required")),
            description=as_plain(settings.get("description")),
            span=key.span,
        )
        for key, value in literal_entries(token)
        for settings in (fields(value),)
    )


def read_input(key: StringToken, settings: dict[str, Token]) -> InputDeclaration:
    """One declared input, of a workflow or an action."""
    return InputDeclaration(
        name=key.value,
        kind=as_plain(settings.get("type")) or "string",
        required=as_true(settings.get("required")),
        default=settings.get("default"),
        options=tuple(option.value for option in strings_of(settings.get("options"))),
        description=as_plain(settings.get("description")),
        deprecation_message=as_plain(settings.get("deprecationMessage")) or None,
        span=key.span,
    )


def _read_dispatch_inputs(token: Token | None, findings: Findings) -> tuple[InputDeclaration, ...]:
    pairs = literal_entries(token)
    for key, _ in pairs[_MOST_INPUTS : _MOST_INPUTS + 1]:
        message = f"'workflow_dispatch' has {len(pairs)} inputs; at most {_MOST_INPUTS} are allowed"
        findings.refuse(_CODE, key.span, message)
    return tuple(read_input(key, fields(value)) for key, value in pairs)


def _read_call_inputs(token: Token | None, findings: Findings) -> tuple[InputDeclaration, ...]:
    inputs = tuple(read_input(key, fields(value)) for key, value in literal_entries(token))
    for declared in inputs:
        check_default_kind(declared, findings)
    return inputs


def check_default_kind(declared: InputDeclaration, findings: Findings) -> None:
    """Report a constant default of `workflow_call` that is not of its input's type."""
    default = declared.default
    if default is None or declared.kind not in _CONSTANTS or isinstance(default, _CONSTANTS[declared.kind]):
        return
    if isinstance(default, StringToken | BooleanToken | NumberToken):
        found = quote(default.value) if isinstance(default, StringToken) else describe_constant(default)
        expected = "true or false" if declared.kind == "boolean" else "a number"
        message = f"the default of the {declared.kind} input {quote(declared.name)} is {found}; expected {expected}"
        findings.refuse(_CODE, default.span, message)


def describe_constant(token: BooleanToken | NumberToken) -> str:
    """A constant as it is written."""
    if isinstance(token, NumberToken):
        return token.text
    return "true" if token.value else "false"
