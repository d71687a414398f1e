"""Finds what a `uses` stands for: an action of the workspace or the repository, one that Homeport carries itself, or a published one.

Source: GitHub docs, "Workflow syntax", `jobs.<job_id>.steps[*].uses`; actions/runner `ActionManager` (what is looked for in a folder,
and what it says where nothing is there).
"""

import os
from importlib import import_module

import msgspec

from homeport import __version__
from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.parser.action import parse_action
from homeport.language.remote_reference import RemoteReference, parse_remote_reference, qualify_own_use
from homeport.language.tokens import StringToken
from homeport.ports.action_sources import Resolution, SourceError, SourceStoppedError
from homeport.ports.repositories import StoreError
from homeport.runner.actions.contained import serves_containers
from homeport.runner.actions.model import (
    ActionStoppedError,
    ActionUnavailableError,
    CompositeAction,
    DockerAction,
    NativeAction,
    NodeAction,
    Origin,
    ResolvedAction,
    Surroundings,
)
from homeport.runner.actions.native.definition import NativeDefinition, declare_inputs, post_condition
from homeport.runner.actions.native.inputs import parse_major
from homeport.runner.actions.native.registry import Native, find_native
from homeport.runner.actions.node import find_node
from homeport.runner.folders import read_file

_FILES = ("action.yml", "action.yaml")
_LONGEST = 16 << 20
"""Of an action file in a sandboxed job's folders"""
_DOCKERFILES = ("Dockerfile", "dockerfile")


def resolve_action(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
    """Find (and parse) the action that one `uses` names; see `actions.model.ResolveAction`. Raises `ActionUnavailableError`."""
    text = uses.value.strip()
    if text.startswith("docker://"):
        return _describe_container(uses, text, "", Origin(uses=text))
    if text == "." or text.startswith(("./", ".\\")):
        return _resolve_local(uses, text, surroundings)
    if text.startswith("$/"):
        return _resolve_own(uses, text, surroundings)
    return _resolve_published(uses, text, surroundings)


# --- actions of the repository ---------------------------------------------------------------------------------------


def _resolve_local(uses: StringToken, text: str, surroundings: Surroundings) -> ResolvedAction:
    workspace = surroundings.paths.workspace
    folder = os.path.normpath(os.path.join(workspace, text.replace("\\", "/")))
    message = (
        f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{folder}'. "
        "Did you forget to run actions/checkout before running your local action?"
    )
    place = _Place(folder, workspace, workspace, message)
    return _read_folder(uses, place, Origin(uses=text), surroundings)


def _resolve_own(uses: StringToken, text: str, surroundings: Surroundings) -> ResolvedAction:
    """`$/path`: the repository itself at the running commit, before any checkout."""
    base = _find_own_folder(uses.span, surroundings)
    folder = os.path.normpath(os.path.join(base, text[2:]))
    if folder != base and not folder.startswith(base + os.sep):
        raise ActionUnavailableError(f"'{text}' is not in the repository", uses.span)
    github = surroundings.order.github
    origin = Origin(uses=text, repository=str(github.get("repository") or ""), version=str(github.get("sha") or ""))
    message = f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{folder}'."
    return _read_folder(uses, _Place(folder, base, base, message), origin, surroundings)


def _find_own_folder(span: Span, surroundings: Surroundings) -> str:
    """A working copy for the actions' code, apart from the workspace: made once a job, when the first `$/` is reached."""
    sources = surroundings.sources
    if sources.in_place:
        return sources.folder
    folder = os.path.join(surroundings.paths.actions, "_self")  # no owner is called so
    if not os.path.isdir(folder):
        # only for `$/`: git's doorway takes its time to import
        from homeport.runner.actions.own_copy import OwnCopyError, make_own_copy  # noqa: PLC0415

        try:
            make_own_copy(folder, surroundings)
        except OwnCopyError as error:
            raise ActionUnavailableError(str(error), span) from error
    return folder


class _Place(msgspec.Struct, frozen=True):
    """Where an action should be. `base` is what its files are shown below, `limit` what none of them may lead out of."""

    folder: str
    base: str
    limit: str
    missing: str
    """what is said where there is nothing"""
    before: str = ""
    after: str = ""
    """how its files are shown: their paths below `base`, with this around them"""


def _read_folder(uses: StringToken, place: _Place, origin: Origin, surroundings: Surroundings) -> ResolvedAction:
    for name in _FILES:
        path = os.path.join(place.folder, name)
        if os.path.isfile(path):
            _refuse_escape(uses, path, place, surroundings)
            shown = f"{place.before}{os.path.relpath(path, place.base)}{place.after}"
            return _build(uses, place.folder, _parse(uses, path, shown, surroundings), origin, surroundings)
    for name in _DOCKERFILES:
        path = os.path.join(place.folder, name)
        if os.path.isfile(path):
            _refuse_escape(uses, path, place, surroundings)
            return _describe_container(uses, name, place.folder, origin)
    raise ActionUnavailableError(place.missing, uses.span)


def _refuse_escape(uses: StringToken, path: str, place: _Place, surroundings: Surroundings) -> None:
    """A link must not make Homeport read, and show, what the job itself may not."""
    if surroundings.sources.in_place and place.limit == surroundings.paths.workspace:
        return  # the user's own tree, with the user's own links
    real, limit = os.path.realpath(path), os.path.realpath(place.limit)
    if not real.startswith(limit + os.sep):
        raise ActionUnavailableError(f"'{uses.value}': {os.path.basename(path)} leads out of its repository", uses.span)


def _parse(uses: StringToken, path: str, shown: str, surroundings: Surroundings) -> nodes.Action:
    wall = surroundings.wall
    is_jobs = wall is not None and path.startswith(os.path.dirname(surroundings.paths.workspace) + "/")
    try:
        text = wall.read_file(path, _LONGEST) if wall is not None and is_jobs else read_file(path)
    except OSError as error:
        raise ActionUnavailableError(f"{shown} cannot be read: {error.strerror}", uses.span) from error
    action, diagnostics = parse_action(text, shown)
    mistakes = [diagnostic for diagnostic in diagnostics if diagnostic.invalid]
    if action is None or mistakes:
        mistakes = mistakes or diagnostics
        raise _unavailable(mistakes[0] if mistakes else None, shown, uses.span, len(mistakes))
    return action


def _unavailable(first: Diagnostic | None, shown: str, span: Span, count: int) -> ActionUnavailableError:
    if first is None:
        return ActionUnavailableError(f"{shown} does not say how the action runs", span)
    more = f" (and {count - 1} more)" if count > 1 else ""
    place = f"{shown} (Line: {first.span.line}, Col: {first.span.column})"
    return ActionUnavailableError(f"{place}: {first.message}{more}", first.span, first.hint)


def _build(
    uses: StringToken, folder: str, action: nodes.Action, origin: Origin, surroundings: Surroundings
) -> ResolvedAction:
    match action.runs:
        case nodes.CompositeRuns() as runs:
            return CompositeAction(origin=origin, action=action, runs=runs, folder=folder)
        case nodes.NodeRuns() as runs:
            for script in filter(None, (runs.pre, runs.main, runs.post)):
                if not os.path.isfile(os.path.join(folder, script)):
                    raise ActionUnavailableError(f"File not found: '{os.path.join(folder, script)}'", runs.span)
            node = find_node(runs.using, surroundings.environment.get("PATH", ""), surroundings.paths.tool_cache)
            if node is None:
                raise _without_node(uses, runs)
            return NodeAction(origin=origin, action=action, runs=runs, folder=folder, node=node.path)
        case nodes.DockerRuns() as runs:
            return DockerAction(origin=origin, action=action, runs=runs, folder=folder)


def _describe_container(uses: StringToken, image: str, folder: str, origin: Origin) -> DockerAction:
    """A container action without an action file."""
    runs = nodes.DockerRuns(image=StringToken(image, uses.span), span=uses.span)
    action = nodes.Action(file="", runs=runs, span=uses.span)
    return DockerAction(origin=origin, action=action, runs=runs, folder=folder)


def _without_node(uses: StringToken, runs: nodes.NodeRuns) -> ActionUnavailableError:
    return ActionUnavailableError(
        f"'{uses.value}' is a JavaScript action ({runs.using}), and there is no Node.js on this machine",
        uses.span,
        "put `node` on the PATH, or install it beside Homeport: pip install 'homeport[node]'",
    )


# --- published actions -----------------------------------------------------------------------------------------------


def is_fetched(uses: str, surroundings: Surroundings) -> bool:
    """Whether finding this action takes a while: it may have to be fetched."""
    reference = parse_remote_reference(uses)
    return reference is not None and (_prefers_upstream(reference, surroundings) or _find_native(reference) is None)


def _resolve_published(uses: StringToken, text: str, surroundings: Surroundings) -> ResolvedAction:
    reference = parse_remote_reference(text)
    if reference is None:
        raise ActionUnavailableError(
            f"'{text}' names no action: expected 'owner/repo@ref' or 'owner/repo/path@ref'", uses.span
        )
    name = _name(reference)
    native = _find_native(reference)
    prefers_upstream = _prefers_upstream(reference, surroundings)
    if native is not None and not prefers_upstream:
        return _make_native(native, text, reference)
    known = find_native(name)
    if known is None or prefers_upstream:
        return _resolve_remote(uses, text, reference, surroundings)
    remark = f"'{text}' is older than what Homeport has natively ({name}@v{known.oldest} to v{known.newest})"
    try:
        return _resolve_remote(uses, text, reference, surroundings, f"{remark}: the published action runs instead")
    except ActionUnavailableError as error:
        if isinstance(error, ActionStoppedError):
            raise
        message = f"{remark}, and the published one cannot be had: {error.message}"
        raise ActionUnavailableError(message, error.span, f"use {name}@v{known.newest}") from error


def _prefers_upstream(reference: RemoteReference, surroundings: Surroundings) -> bool:
    if surroundings.preference == "upstream":
        return True
    return surroundings.is_contained and not serves_containers(_name(reference))


def _name(reference: RemoteReference) -> str:
    return f"{reference.repository}/{reference.path}" if reference.path else reference.repository


def _find_native(reference: RemoteReference) -> Native | None:
    """Homeport's own version of an action, where it has the major that is asked for."""
    native = find_native(_name(reference))
    major = parse_major(reference.ref)
    return None if native is None or (major is not None and major < native.oldest) else native


def _make_native(native: Native, text: str, reference: RemoteReference) -> NativeAction:
    version = _name_version(native, parse_major(reference.ref))
    definition: NativeDefinition = import_module(native.module).DEFINITION
    return NativeAction(
        origin=Origin(uses=text, repository=reference.repository, ref=reference.ref, version=version),
        module=native.module,
        inputs=declare_inputs(definition),
        has_post=definition.post_if is not None,
        post_condition=post_condition(definition),
    )


def _name_version(native: Native, major: int | None) -> str:
    behaves_as = native.newest if major is None else min(major, native.newest)
    return f"native {__version__} (as v{behaves_as})"


def _resolve_remote(
    uses: StringToken, text: str, reference: RemoteReference, surroundings: Surroundings, remark: str = ""
) -> ResolvedAction:
    try:
        base, resolution = _fetch(reference, surroundings)
    except SourceStoppedError as error:
        raise ActionStoppedError(f"'{text}' was not fetched: the job was stopped", uses.span) from error
    except SourceError as error:
        raise ActionUnavailableError(error.message, uses.span, error.hint) from error
    except (OSError, StoreError) as error:
        raise ActionUnavailableError(f"'{text}' cannot be put here: {error}", uses.span) from error
    origin = Origin(
        uses=text,
        repository=reference.repository,
        ref=reference.ref,
        version=resolution.commit,
        remarks=tuple(filter(None, (remark, resolution.remark))),
    )
    place = _Place(
        folder=os.path.normpath(os.path.join(base, reference.path)),
        base=base,
        limit=base,
        missing=f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '{text}'.",
        before=f"{reference.repository}/",
        after=f"@{reference.ref}",
    )
    return _own_nested(_read_folder(uses, place, origin, surroundings), reference)


def _fetch(reference: RemoteReference, surroundings: Surroundings) -> tuple[str, Resolution]:
    """Put the repository where GitHub's runner does, `_actions/{owner}/{repo}/{ref}`, once a job."""
    sources = surroundings.actions
    if sources is None:
        raise SourceError(f"'{reference.repository}' cannot be fetched: this runner has no source of published actions")
    order = surroundings.order
    resolution = sources.resolve(
        reference.repository,
        reference.ref,
        run=order.run,
        commit=order.resolved.get(reference.key),
        is_stopped=surroundings.is_stopped,
    )
    paths = surroundings.paths
    folder = os.path.join(paths.actions, reference.owner, reference.name, reference.ref)
    sources.copy(resolution, paths.root, os.path.relpath(folder, paths.root), is_stopped=surroundings.is_stopped)
    return folder, resolution


def _own_nested(action: ResolvedAction, reference: RemoteReference) -> ResolvedAction:
    """`$/path` in a published action means its own repository, at its own ref."""
    if not isinstance(action, CompositeAction):
        return action
    steps = tuple(qualify_own_use(step, reference.repository, reference.ref) for step in action.runs.steps)
    return msgspec.structs.replace(action, runs=msgspec.structs.replace(action.runs, steps=steps))
