"""The grammar of `on`: every event with its activity types and filters.

Source: docs "Events that trigger workflows"; actions/languageservices `workflow-v1.0.json` (`on-strict`), which has types that the
docs do not name yet. What GitHub's own reader passes over (`on-event-config-relaxed` of actions/runner) is marked lenient.
"""

import msgspec

from homeport.language.grammar_model import NULL, TEXT, Mapping, Value, boolean, listed, mapped, name, names, text
from homeport.language.yaml_nodes import ScalarKind

_PULL_REQUEST_TYPES = (
    "assigned unassigned labeled unlabeled opened edited closed reopened synchronize converted_to_draft locked unlocked enqueued "
    "dequeued milestoned demilestoned ready_for_review review_requested review_request_removed auto_merge_enabled "
    "auto_merge_disabled stacked"
)
_BRANCHES = "branches branches-ignore"
_PATHS = "paths paths-ignore"
_CHANGED = "created edited deleted"

EVENTS: dict[str, tuple[str, str]] = {
    # event: (activity types, filters)
    "branch_protection_rule": (_CHANGED, ""),
    "check_run": ("completed created rerequested requested_action", ""),
    "check_suite": ("completed", ""),
    "create": ("", ""),
    "delete": ("", ""),
    "deployment": ("", ""),
    "deployment_status": ("", ""),
    "discussion": (
        f"{_CHANGED} transferred pinned unpinned labeled unlabeled locked unlocked category_changed answered unanswered",
        "",
    ),
    "discussion_comment": (_CHANGED, ""),
    "fork": ("", ""),
    "gollum": ("", ""),
    "image_version": ("created ready deleted", "names versions"),
    "issue_comment": (_CHANGED, ""),
    "issues": (
        "opened edited deleted transferred pinned unpinned closed reopened assigned unassigned labeled unlabeled locked unlocked "
        "milestoned demilestoned field_added field_removed typed untyped",
        "",
    ),
    "label": (_CHANGED, ""),
    "merge_group": ("checks_requested", _BRANCHES),
    "milestone": ("created closed opened edited deleted", ""),
    "page_build": ("", ""),
    "project": ("created closed reopened edited deleted", ""),
    "project_card": ("created moved converted edited deleted", ""),
    "project_column": ("created updated moved deleted", ""),
    "public": ("", ""),
    "pull_request": (_PULL_REQUEST_TYPES, f"{_BRANCHES} {_PATHS}"),
    "pull_request_comment": (_CHANGED, ""),
    "pull_request_review": ("submitted edited dismissed", ""),
    "pull_request_review_comment": (_CHANGED, ""),
    "pull_request_target": (_PULL_REQUEST_TYPES, f"{_BRANCHES} {_PATHS}"),
    "push": ("", f"{_BRANCHES} tags tags-ignore {_PATHS}"),
    "registry_package": ("published updated", ""),
    "release": ("published unpublished created edited deleted prereleased released", ""),
    "repository_dispatch": ("*", ""),
    "schedule": ("", ""),
    "status": ("", ""),
    "watch": ("started", ""),
    "workflow_call": ("", ""),
    "workflow_dispatch": ("", ""),
    "workflow_run": ("requested completed in_progress", f"workflows {_BRANCHES}"),
}
"""`*` stands for any type that the sender chooses."""

FILTERS = frozenset(
    [
        "branches",
        "branches-ignore",
        "tags",
        "tags-ignore",
        "paths",
        "paths-ignore",
        "workflows",
        "names",
        "versions",
        "types",
    ]
)
"""The filters of any event: one of them at the wrong event is a mistake about events, not about syntax."""


def _event(event: str, types: str, filters: str) -> Value:
    keys = {key: names("a pattern or a list of patterns") for key in filters.split()}
    if types == "*":
        keys["types"] = names("an activity type or a list of them")
    elif types:
        keys["types"] = names("an activity type or a list of them", code="events", one_of=tuple(types.split()))
    mapping = Mapping(title=f"'{event}'", keys=keys, moved_keys=FILTERS - keys.keys(), moved_code="events")
    return Value(title="a mapping or nothing", scalars=NULL, mapping=mapping, is_lenient=True)


_SCHEDULE = Mapping(
    title="a schedule", keys={"cron": name("a cron expression"), "timezone": name("a time zone")}, required=("cron",)
)

_DISPATCH_INPUT = Mapping(
    title="an input",
    keys={
        "description": text(),
        "deprecationMessage": text(),
        "required": boolean(),
        "type": text("a type of input", one_of=("string", "number", "boolean", "choice", "environment")),
        "default": Value(
            title="text, a number or a boolean", scalars=frozenset[ScalarKind]({"string", "boolean", "number"})
        ),
        "options": listed(text(), "a list of options"),
    },
)
_DISPATCH = Mapping(
    title="'workflow_dispatch'",
    keys={"inputs": mapped(Mapping(title="'inputs'", named=mapped(_DISPATCH_INPUT, or_null=True)), or_null=True)},
    moved_keys=FILTERS,
    moved_code="events",
)

_CALL_INPUT = Mapping(
    title="an input",
    keys={
        "description": text(),
        "deprecationMessage": text(),
        "required": boolean(),
        "type": text("a type of input", one_of=("string", "boolean", "number")),
        "default": Value(
            title="text, a number or a boolean",
            scalars=frozenset[ScalarKind]({"string", "boolean", "number"}),
            at="on.workflow_call.inputs.default",
        ),
    },
    required=("type",),
)
_CALL_SECRET = Mapping(title="a secret", keys={"description": text(), "required": boolean()})
_CALL_OUTPUT = Mapping(
    title="an output",
    keys={"description": text(), "value": text("an expression", at="on.workflow_call.outputs.value")},
    required=("value",),
)
_CALL = Mapping(
    title="'workflow_call'",
    keys={
        "inputs": mapped(Mapping(title="'inputs'", named=mapped(_CALL_INPUT)), or_null=True),
        "secrets": mapped(Mapping(title="'secrets'", named=mapped(_CALL_SECRET, or_null=True)), or_null=True),
        "outputs": mapped(Mapping(title="'outputs'", named=mapped(_CALL_OUTPUT)), or_null=True),
    },
)

_EVENT_VALUES = {event: _event(event, types, filters) for event, (types, filters) in EVENTS.items()} | {
    "schedule": listed(mapped(_SCHEDULE), "a list of schedules"),
    "workflow_call": mapped(_CALL, or_null=True),
    "workflow_dispatch": msgspec.structs.replace(mapped(_DISPATCH, or_null=True), is_lenient=True),
}
_EVENT_NAME = text("the name of an event", one_of=tuple(EVENTS), code="events")

ON = Value(
    title="an event, a list of events, or a mapping of them",
    scalars=TEXT,
    one_of=tuple(EVENTS),
    code="events",
    items=_EVENT_NAME,
    mapping=Mapping(title="'on'", keys=_EVENT_VALUES, key_code="events"),
)
