"""Action files that could be read, and still would not work: files that are not there, an icon that GitHub does not have.

Source: docs "Metadata syntax for GitHub Actions"; actions/runner `ActionManager` (what counts as a Dockerfile).
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language.icons import ICONS
from homeport.language.local_reference import resolve_local
from homeport.language.names import quote, suggest
from homeport.language.nodes import Action, CompositeRuns, Condition, DockerRuns, NodeRuns
from homeport.language.project import Project, join
from homeport.language.subject import Subject
from homeport.language.tokens import StringToken

_CODE = "action"
_OLD_NODES = frozenset({"node12", "node16"})


def check_metadata(subject: Subject) -> Iterator[Diagnostic]:
    """Report such mistakes of an action."""
    action = subject.root
    if not isinstance(action, Action):
        return
    yield from _check_icon(action)
    folder = action.file.rpartition("/")[0]
    match action.runs:
        case NodeRuns() as runs:
            yield from _check_node(runs, folder, subject.project)
        case DockerRuns() as runs:
            yield from _check_docker(runs, folder, subject.project)
        case CompositeRuns():
            yield from _check_composite(action)


def _check_icon(action: Action) -> Iterator[Diagnostic]:
    icon = None if action.branding is None else action.branding.icon
    if icon is not None and icon.value not in ICONS:
        message = f"unknown icon {quote(icon.value)}; expected the name of a Feather icon that GitHub has"
        hint = suggest(icon.value, ICONS)
        yield Diagnostic(code=_CODE, message=message, span=icon.span, hint=hint, severity="warning")


def _check_composite(action: Action) -> Iterator[Diagnostic]:
    for output in action.outputs:
        if output.value is None:
            message = (
                f"the output {quote(output.name)} of a composite action has no 'value', so that it is always empty"
            )
            hint = "add 'value: ${{ steps.<id>.outputs.<name> }}'"
            yield Diagnostic(code=_CODE, message=message, span=output.span, hint=hint)


def _check_node(runs: NodeRuns, folder: str, project: Project) -> Iterator[Diagnostic]:
    if runs.using in _OLD_NODES:
        message = f"no runner has {quote(runs.using)} any more; the action runs on a newer Node, if it can"
        span = runs.places.get("using", runs.span)
        yield Diagnostic(code=_CODE, message=message, span=span, hint="write 'node24'", severity="warning")
    for key, name in (("main", runs.main), ("pre", runs.pre), ("post", runs.post)):
        yield from _check_file(key, name, runs.places.get(key, runs.span), folder, project)
    yield from _check_idle("pre-if", runs.pre_condition, "pre", runs.pre)
    yield from _check_idle("post-if", runs.post_condition, "post", runs.post)


def _check_docker(runs: DockerRuns, folder: str, project: Project) -> Iterator[Diagnostic]:
    image = runs.image
    if isinstance(image, StringToken) and not image.value.lower().startswith("docker://"):
        name = image.value.rpartition("/")[2].lower()
        if name.startswith("dockerfile.") or name.endswith("dockerfile"):
            yield from _check_file("image", image.value, image.span, folder, project)
        else:
            message = f"the image {quote(image.value)} is neither a Dockerfile of the action nor an image of a registry"
            hint = f"write 'docker://{image.value}', or the path of a Dockerfile"
            yield Diagnostic(code=_CODE, message=message, span=image.span, hint=hint)
    yield from _check_idle("pre-if", runs.pre_condition, "pre-entrypoint", runs.pre_entrypoint)
    yield from _check_idle("post-if", runs.post_condition, "post-entrypoint", runs.post_entrypoint)


def _check_file(key: str, name: str | None, span: Span, folder: str, project: Project) -> Iterator[Diagnostic]:
    """A file is looked for below the folder of the action; an earlier step may be there to build it."""
    path = None if name is None else resolve_local(f"./{join(folder, name)}")
    if name is not None and path is not None and project.has(path) is False:
        message = f"the file {quote(name)} of {quote(key)} does not exist in the folder of the action"
        hint = "is it built, and committed?"
        yield Diagnostic(code=_CODE, message=message, span=span, hint=hint, severity="warning")


def _check_idle(key: str, condition: Condition | None, guarded: str, value: str | None) -> Iterator[Diagnostic]:
    if condition is not None and value is None:
        message = f"{quote(key)} guards nothing: there is no {quote(guarded)}"
        span = condition.expression.span
        yield Diagnostic(code=_CODE, message=message, span=span, hint=f"add '{guarded}: …'", severity="warning")
