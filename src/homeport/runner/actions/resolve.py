"""Finds what a `uses` stands for: an action of the workspace or the repository, or one that Homeport carries itself.

Source: GitHub docs, "Workflow syntax", `jobs.<job_id>.steps[*].uses`; actions/runner `ActionManager` (what is looked for in a folder,
and what it says where nothing is there).
"""

import os
from importlib import import_module

from homeport import __version__
from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.parser.action import parse_action
from homeport.language.tokens import StringToken
from homeport.runner.actions.model import (
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
from homeport.runner.actions.native.registry import NATIVE, Native, find_native
from homeport.runner.actions.node import find_node
from homeport.runner.folders import read_file

_FILES = ("action.yml", "action.yaml")


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
    hint = "Did you forget to run actions/checkout before running your local action?"
    return _read_folder(uses, folder, workspace, Origin(uses=text), surroundings, hint)


def _resolve_own(uses: StringToken, text: str, surroundings: Surroundings) -> ResolvedAction:
    """`$/path`: the repository itself at the running commit, before any checkout."""
    base = _find_own_folder(uses.span, surroundings)
    folder = os.path.normpath(os.path.join(base, text[2:]))
    if folder != base and not folder.startswith(base + os.sep):
        raise ActionUnavailableError(f"'{text}' is not in the repository", uses.span)
    github = surroundings.order.github
    origin = Origin(uses=text, repository=str(github.get("repository") or ""), version=str(github.get("sha") or ""))
    return _read_folder(uses, folder, base, origin, surroundings, None)


def _find_own_folder(span: Span, surroundings: Surroundings) -> str:
    """A working copy for the actions' code, apart from the workspace: made once a job, when the first `$/` is reached."""
    sources = surroundings.sources
    if sources.in_place:
        return sources.folder
    folder = os.path.join(surroundings.paths.actions, "self")
    if not os.path.isdir(folder):
        # only for `$/`: git's doorway takes its time to import
        from homeport.runner.actions.own_copy import OwnCopyError, make_own_copy  # noqa: PLC0415

        try:
            make_own_copy(folder, surroundings)
        except OwnCopyError as error:
            raise ActionUnavailableError(str(error), span) from error
    return folder


def _read_folder(
    uses: StringToken, folder: str, base: str, origin: Origin, surroundings: Surroundings, hint: str | None
) -> ResolvedAction:
    for name in _FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            shown = os.path.relpath(path, base)
            return _build(uses, folder, _parse(uses, path, shown), origin, surroundings)
    if os.path.isfile(os.path.join(folder, "Dockerfile")):
        return _describe_container(uses, "Dockerfile", folder, origin)
    message = f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{folder}'."
    raise ActionUnavailableError(f"{message} {hint}" if hint else message, uses.span)


def _parse(uses: StringToken, path: str, shown: str) -> nodes.Action:
    try:
        text = read_file(path)
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


def _resolve_published(uses: StringToken, text: str, surroundings: Surroundings) -> ResolvedAction:
    name, _, ref = text.partition("@")
    native = find_native(name)
    known = ", ".join(NATIVE)
    if surroundings.preference == "upstream":
        raise ActionUnavailableError(
            f"remote actions are not supported by this build yet, so '--actions upstream' cannot run '{text}'",
            uses.span,
            f"without '--actions upstream' these are native here: {known}",
        )
    if native is None:
        raise ActionUnavailableError(
            f"remote actions are not supported by this build yet: '{text}'; native here: {known}", uses.span
        )
    major = parse_major(ref)
    if major is not None and major < native.oldest:
        raise ActionUnavailableError(
            f"'{text}' is older than what Homeport has natively ({name}@v{native.oldest} to v{native.newest})",
            uses.span,
            f"use {name}@v{native.newest}",
        )
    owner_and_name = "/".join(name.split("/")[:2])
    origin = Origin(uses=text, repository=owner_and_name, ref=ref, version=_name_version(native, major))
    definition: NativeDefinition = import_module(native.module).DEFINITION
    return NativeAction(
        origin=origin,
        module=native.module,
        inputs=declare_inputs(definition),
        has_post=definition.post_if is not None,
        post_condition=post_condition(definition),
    )


def _name_version(native: Native, major: int | None) -> str:
    behaves_as = native.newest if major is None else min(major, native.newest)
    return f"native {__version__} (as v{behaves_as})"
