"""Says whether an event starts a workflow, and if not, every reason why.

Source: docs "Events that trigger workflows", "Workflow syntax: on" and "Skipping workflow runs".
"""

from collections.abc import Callable, Iterator, Sequence

from homeport.event import Event
from homeport.language import nodes
from homeport.plan.contexts import split_ref
from homeport.plan.patterns import Pattern, find_last_match, read_pattern, selects

ChangedPaths = Callable[[], Sequence[str] | None]
"""The paths that the event changed, asked for only where a filter needs them; None: they could not be computed (the filter then holds)."""

SKIP_MARKERS = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
DEFAULT_PULL_REQUEST_TYPES = ("opened", "synchronize", "reopened")
MAX_TAGS = 3
MAX_CHAIN = 3
_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target"})
_SKIPPABLE = frozenset({"push", "pull_request"})


def find_obstacles(workflow: nodes.Workflow, event: Event, changed_paths: ChangedPaths) -> list[str]:
    """Why the event does not start the workflow, one reason for each filter and rule; empty where it does start it."""
    trigger = workflow.find_trigger(event.name)
    if event.name == "workflow_call":
        return ["no event starts it by 'workflow_call': a job of another workflow calls it"]
    if trigger is None:
        names = ", ".join(trigger.event for trigger in workflow.triggers) or "nothing"
        return [f"'{event.name}' does not start it: it has {names} under 'on'"]
    return [
        *_check_rules(event),
        *_check_types(trigger, event),
        *_check_refs(trigger, event),
        *_check_workflows(trigger, event),
        *_check_image(trigger, event),
        *_check_schedule(trigger, event),
        *_check_paths(trigger, event, changed_paths),
    ]


# --- rules that no workflow can change -------------------------------------------------------------------------------


def _check_rules(event: Event) -> Iterator[str]:
    if event.name in _SKIPPABLE:
        yield from _check_message(event)
    kind, _ = split_ref(pushed_ref(event))
    if event.name in {"push", "create", "delete"} and kind == "tag" and event.tags_in_push > MAX_TAGS:
        yield f"{event.tags_in_push} tags came at once, and more than {MAX_TAGS} start nothing"
    match event.name, event.payload:
        case "pull_request", {"pull_request": {"mergeable": False}}:
            yield "the pull request has a merge conflict, so there is no merge commit to run on"
        case "release", {"action": "created" | "edited" | "deleted" as action, "release": {"draft": True}}:
            yield f"the release is a draft, and '{action}' of a draft starts nothing"
        case "deployment_status", {"deployment_status": {"state": "inactive"}}:
            yield "the deployment became inactive, which starts nothing"
        case "check_suite", {"check_suite": {"app": {"slug": "github-actions"}}}:
            yield "the check suite was made by Actions itself"
        case "check_run", {"check_run": {"check_suite": {"app": {"slug": "github-actions"}}}}:
            yield "the check run was made by Actions itself"
        case "workflow_run", {"action": "requested", "workflow_run": {"run_attempt": int(attempt)}} if attempt > 1:
            yield "the other run is a re-run, for which 'requested' does not occur"
    if event.name == "workflow_run" and event.chain_length > MAX_CHAIN:
        yield f"it is number {event.chain_length} in a chain of workflow_run, and {MAX_CHAIN} are allowed"


def _check_message(event: Event) -> Iterator[str]:
    message = event.head_message
    if message is None:
        match event.payload:
            case {"head_commit": {"message": str(text)}}:
                message = text
            case _:
                return
    marker = next((marker for marker in SKIP_MARKERS if marker in message), None)
    if marker is not None:
        yield f"the commit's message says '{marker}'"
    elif _has_skip_trailer(message):
        yield "the commit's message ends with the trailer 'skip-checks: true'"


def _has_skip_trailer(message: str) -> bool:
    """The trailer is the last line, and its paragraph is not the subject (git's clean-up leaves one empty line before it)."""
    lines = message.strip().splitlines()
    return (
        len(lines) > 1
        and "" in map(str.strip, lines)
        and lines[-1].strip() in {"skip-checks: true", "skip-checks:true"}
    )


# --- filters ---------------------------------------------------------------------------------------------------------


def _check_types(trigger: nodes.Trigger, event: Event) -> Iterator[str]:
    if event.action is None:
        return
    if trigger.types is not None:
        types = tuple(token.value for token in trigger.types)
        if event.action not in types:
            yield f"the activity type '{event.action}' is not among its 'types': {', '.join(types)}"
    elif event.name in _PULL_REQUESTS and event.action not in DEFAULT_PULL_REQUEST_TYPES:
        types = DEFAULT_PULL_REQUEST_TYPES
        yield f"the activity type '{event.action}' is not among those that start it without 'types': {', '.join(types)}"


def _check_refs(trigger: nodes.Trigger, event: Event) -> Iterator[str]:
    match event.name:
        case "push":
            yield from _check_pushed(trigger, event)
        case "pull_request" | "pull_request_target":
            yield from _check_branch(trigger, event.base_ref, "the base branch")
        case "merge_group":
            match event.payload:
                case {"merge_group": {"base_ref": str(ref)}}:
                    yield from _check_branch(trigger, split_ref(ref)[1], "the base branch")
        case "workflow_run":
            match event.payload:
                case {"workflow_run": {"head_branch": str(branch)}}:
                    yield from _check_branch(trigger, branch, "the other run's branch")


def _check_pushed(trigger: nodes.Trigger, event: Event) -> Iterator[str]:
    """Where only one of branches and tags is filtered, a push of the other kind starts nothing."""
    kind, name = split_ref(pushed_ref(event))
    on_branches = trigger.branches is not None or trigger.branches_ignore is not None
    on_tags = trigger.tags is not None or trigger.tags_ignore is not None
    if kind == "tag":
        if on_branches and not on_tags:
            yield f"only branches start it, and '{name}' is a tag"
        yield from _check_patterns("tags", trigger.tags, trigger.tags_ignore, name, "the tag")
    else:
        if on_tags and not on_branches:
            yield f"only tags start it, and '{name}' is a branch"
        yield from _check_branch(trigger, name, "the branch")


def pushed_ref(event: Event) -> str:
    """The ref that was pushed: for a deleted one it is in the payload only, as the event is about the default branch then."""
    match event.payload:
        case {"deleted": True, "ref": str(ref)}:
            return ref
        case _:
            return event.ref


def _check_branch(trigger: nodes.Trigger, name: str, what: str) -> Iterator[str]:
    yield from _check_patterns("branches", trigger.branches, trigger.branches_ignore, name, what)


def _check_workflows(trigger: nodes.Trigger, event: Event) -> Iterator[str]:
    match event.name, event.payload:
        case "workflow_run", {"workflow_run": {"name": str(name)}} if trigger.workflows is not None:
            wanted = [token.value for token in trigger.workflows.patterns]
            if name not in wanted:
                yield f"the workflow '{name}' is not among its 'workflows': {', '.join(wanted)}"


def _check_image(trigger: nodes.Trigger, event: Event) -> Iterator[str]:
    match event.name, event.payload:
        case "image_version", {"image_version": {"image_name": str(name), "version": str(version)}}:
            yield from _check_patterns("names", trigger.names, None, name, "the image")
            yield from _check_patterns("versions", trigger.versions, None, version, "the version")


def _check_schedule(trigger: nodes.Trigger, event: Event) -> Iterator[str]:
    match event.name, event.payload:
        case "schedule", {"schedule": str(cron)}:
            written = [entry.cron.value for entry in trigger.schedules]
            if cron.split() not in [one.split() for one in written]:
                yield f"the schedule '{cron}' is not among its own: {', '.join(written)}"


def _check_paths(trigger: nodes.Trigger, event: Event, changed_paths: ChangedPaths) -> Iterator[str]:
    """Docs: paths of a tag's push are not looked at; a diff that cannot be made lets the workflow run."""
    if trigger.paths is None and trigger.paths_ignore is None:
        return
    if event.name == "push" and split_ref(pushed_ref(event))[0] == "tag":
        return
    paths = changed_paths()
    if paths is None:
        return
    if trigger.paths is not None:
        patterns = _read(trigger.paths)
        if not any(selects(patterns, path) for path in paths):
            found = f"none of what changed ({_some(paths)})" if paths else "nothing changed, so no file"
            yield f"{found} matches its 'paths': {_list(patterns)}"
    if trigger.paths_ignore is not None:
        patterns = _read(trigger.paths_ignore)
        if all(selects(patterns, path) for path in paths):
            found = f"all of what changed ({_some(paths)})" if paths else "nothing changed, so all of it"
            yield f"{found} matches its 'paths-ignore': {_list(patterns)}"


def _check_patterns(
    key: str, wanted: nodes.Filter | None, ignored: nodes.Filter | None, value: str, what: str
) -> Iterator[str]:
    if wanted is not None:
        patterns = _read(wanted)
        last = find_last_match(patterns, value)
        if last is None:
            yield f"{what} '{value}' matches none of its '{key}': {_list(patterns)}"
        elif last.negative:
            yield f"{what} '{value}' is excluded by '{last.source}' of its '{key}'"
    if ignored is not None:
        last = find_last_match(_read(ignored), value)
        if last is not None and not last.negative:
            yield f"{what} '{value}' matches '{last.source}' of its '{key}-ignore'"


def _read(written: nodes.Filter) -> list[Pattern]:
    return [read_pattern(token.value) for token in written.patterns]


def _list(patterns: Sequence[Pattern]) -> str:
    return ", ".join(pattern.source for pattern in patterns)


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more"
