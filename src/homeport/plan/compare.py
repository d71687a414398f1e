"""Says what an edit changes in a plan: which workflows and jobs come, go or are not the same any more."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from homeport.plan.model import NotStarted, Plan, PlannedJob, PlannedWorkflow
from homeport.plan.outline import OutlinedJob, outline_plan

Kind = Literal[
    "workflow_added",
    "workflow_changed",
    "workflow_dropped",
    "starts",
    "starts_no_more",
    "job_added",
    "job_dropped",
    "job_changed",
]

_WORDS: Mapping[str, str] = {
    "condition": "if",
    "runs_on": "runs-on",
    "timeout_minutes": "timeout-minutes",
    "cancel_timeout_minutes": "cancel-timeout-minutes",
    "continue_on_error": "continue-on-error",
    "inputs": "with",
    "inherit_secrets": "secrets",
}
_IGNORED = frozenset({"id", "id_span", "span", "steps"})


class Difference(msgspec.Struct, frozen=True):
    """One thing that changed, in words that name it."""

    workflow: str
    job: str | None
    kind: Kind
    message: str


def compare_outcomes(file: str, before: Plan | NotStarted | None, after: Plan | NotStarted | None) -> list[Difference]:
    """What changed for one file; None where the file is not there."""
    match before, after:
        case None, Plan() | NotStarted():
            return [Difference(file, None, "workflow_added", "this adds the workflow")]
        case Plan() | NotStarted(), None:
            return [Difference(file, None, "workflow_dropped", "this drops the workflow")]
        case NotStarted(reason=reason), Plan():
            return [Difference(file, None, "starts", f"the event starts it now; before: {reason}")]
        case Plan(), NotStarted(reason=reason):
            return [Difference(file, None, "starts_no_more", f"the event starts it no more: {reason}")]
        case Plan() as old, Plan() as new:
            return _compare_plans(file, old, new)
        case _:
            return []


def _compare_plans(file: str, before: Plan, after: Plan) -> list[Difference]:
    whole = [
        Difference(file, None, "workflow_changed", f"this changes the workflow's {word}")
        for word in ("name", "env", "defaults", "permissions", "concurrency")
        if _without_places(getattr(before.workflow, word)) != _without_places(getattr(after.workflow, word))
    ]
    old = {job.key: job for job in outline_plan(before)}
    new = {job.key: job for job in outline_plan(after)}
    old_jobs, new_jobs = dict(_walk(before.workflow, "")), dict(_walk(after.workflow, ""))
    dropped = [Difference(file, key, "job_dropped", f"this drops the job '{key}'") for key in old if key not in new]
    added = [Difference(file, key, "job_added", f"this adds the job '{key}'") for key in new if key not in old]
    changed = [
        Difference(file, key, "job_changed", f"this changes the job '{key}': {'; '.join(changes)}")
        for key, job in new.items()
        if key in old and (changes := _compare_jobs(old[key], job, old_jobs.get(job.id), new_jobs.get(job.id)))
    ]
    return [*whole, *dropped, *added, *changed]


def _walk(workflow: PlannedWorkflow, start: str) -> "list[tuple[str, PlannedJob]]":
    """Every written job by its full id."""
    found: list[tuple[str, PlannedJob]] = []
    for job in workflow.jobs:
        full = f"{start}{job.written.id}"
        found.append((full, job))
        if job.called is not None:
            found += _walk(job.called, f"{full}/")
    return found


def _compare_jobs(
    old: OutlinedJob, new: OutlinedJob, old_written: PlannedJob | None, new_written: PlannedJob | None
) -> list[str]:
    changes = []
    if old.needs != new.needs:
        changes += _compare_names("needs", old.needs, new.needs)
    for word, one, other in (
        ("runs-on", ", ".join(old.runs_on), ", ".join(new.runs_on)),
        ("environment", old.environment, new.environment),
        ("if", old.condition, new.condition),
    ):
        if one != other:
            changes.append(f"{word} was {_quote(one)}, is {_quote(other)}")
    if old_written is not None and new_written is not None:
        changes += _compare_written(old_written, new_written)
    return changes


def _compare_written(old: PlannedJob, new: PlannedJob) -> list[str]:
    """What the outline does not show: other keys by name, and the steps."""
    before, after = _without_places(old.written), _without_places(new.written)
    shown = {"needs", "runs_on", "environment", "condition"}
    keys = dict.fromkeys([*before, *after])
    changes = [
        f"{_WORDS.get(key, key)} changed"
        for key in keys
        if key not in _IGNORED | shown and before.get(key) != after.get(key)
    ]
    return [*changes, *_compare_steps(before.get("steps", []), after.get("steps", []))]


def _compare_steps(before: Sequence[Any], after: Sequence[Any]) -> list[str]:
    """Steps are the same step where they have the same id or name, else by their content."""
    old, new = _index_steps(before), _index_steps(after)
    changes = [f"drops the step {_quote(key)}" for key in old if key not in new]
    changes += [f"adds the step {_quote(key)}" for key in new if key not in old]
    changes += [f"changes the step {_quote(key)}" for key, step in new.items() if key in old and old[key] != step]
    kept = [key for key in old if key in new]
    if kept != [key for key in new if key in old]:
        changes.append("orders its steps differently")
    return changes


def _index_steps(steps: Sequence[Any]) -> dict[str, Any]:
    """Steps by what they are called; of those that are called alike, the later ones are numbered. Made-up ids do not count."""
    indexed: dict[str, Any] = {}
    for step in steps:
        key, number = _step_key(step), 1
        while (name := key if number == 1 else f"{key} ({number})") in indexed:
            number += 1
        indexed[name] = step if step.get("named") else {field: value for field, value in step.items() if field != "id"}
    return indexed


def _step_key(step: Mapping[str, Any]) -> str:
    if step.get("named"):
        return str(step["id"])
    for field in ("name", "uses", "script"):
        token = step.get(field)
        if isinstance(token, dict):
            return _text(token).strip().partition("\n")[0]
    return str(step["id"])


def _text(token: Mapping[str, Any]) -> str:
    if "parts" in token:
        return "".join(_text(part) for part in token["parts"])
    return f"${{{{ {token['source']} }}}}" if "source" in token else str(token.get("value", ""))


def _without_places(value: Any) -> Any:
    """A node as plain data, but for where it stands in its file."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items() if key not in {"span", "id_span", "exact"}}
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return value


def _compare_names(word: str, old: Sequence[str], new: Sequence[str]) -> list[str]:
    gone = [f"{word} no more '{name}'" for name in old if name not in new]
    come = [f"{word} '{name}' too" for name in new if name not in old]
    return gone + come


def _quote(text: str | None) -> str:
    return f"'{text}'" if text else "none"
