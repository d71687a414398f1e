"""What the container, the services and the steps of one job ask of a machine, as far as its text tells."""

import os
from collections.abc import Iterator, Sequence

from homeport.cli.machine.machine import Machine
from homeport.cli.machine.model import Lack
from homeport.cli.machine.remedies import Remedy
from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.parser.action import parse_action
from homeport.language.tokens import ExpressionToken, MappingToken, SequenceToken, Token
from homeport.plan.evaluation import EvaluationError, evaluate_text, show_source
from homeport.plan.mentions import mentions
from homeport.plan.outline import OutlinedJob
from homeport.ports.containers import ContainerSpec
from homeport.runner.actions.native.registry import find_native
from homeport.runner.actions.native.setup_python.choice import find_fitting
from homeport.runner.actions.native.setup_python.versions import parse_wish
from homeport.runner.folders import read_file
from homeport.runner.manners.tools import HOSTED, find_missing

_UNKNOWN = frozenset({"needs", "vars", "secrets", "inputs", "env", "steps", "job", "github", "runner"})
"""contexts that only a run has"""
_DEEPEST = 10
_SERVICE_PACKAGES = {"postgres": Remedy("system", "postgresql"), "redis": Remedy("system", "redis-server")}


class Demands:
    """Asks about one job, for one leg after the other. `folder` is the repository's."""

    def __init__(self, machine: Machine, folder: str, job: nodes.Job, defaults: nodes.Defaults | None) -> None:
        self._machine = machine
        self._folder = folder
        self._job = job
        self._defaults = job.defaults or defaults

    def list_lacks(self, leg: OutlinedJob) -> Iterator[Lack]:
        """What keeps it from running."""
        container = self._job.container
        if container is not None and self._image(container, leg) != "":
            yield from self._need_engine("the job runs in a container", container.span)
        yield from self._check_services(leg)
        for step in _write_out(self._job.steps):
            if isinstance(step, nodes.UsesStep):
                yield from self._check_action(step, leg, 0)
            elif container is None:
                yield from self._check_shell(step, leg)

    def list_notes(self, leg: OutlinedJob) -> Iterator[Lack]:
        """Programs of hosted images that its scripts seem to call and that are not here, and what will be fetched."""
        for step in _write_out(self._job.steps):
            if isinstance(step, nodes.UsesStep):
                if _is_setup_python(step.uses.value):
                    yield from self._note_python(step, leg)
                if _is_published(step.uses.value):
                    message = f"{step.uses.value} is fetched when it is first used"
                    yield Lack(message=message, file=step.uses.span.file, line=step.uses.span.line)
            elif self._job.container is None and self._shell_of(step, leg) in {"", "bash", "sh"}:
                for name in find_missing(show_source(step.script), self._machine.search_path):
                    remedy = Remedy("system", HOSTED[name]) if HOSTED[name] else None
                    message = f"a script seems to call {name}, which is not here"
                    yield Lack(message=message, file=step.span.file, line=step.span.line, remedy=remedy)

    # --- containers and services -------------------------------------------------------------------------------------

    def _need_engine(self, what: str, span: Span) -> Iterator[Lack]:
        engine = self._machine.engine
        if engine.why:
            remedy = Remedy("extra", "containers") if engine.needs_package else Remedy("system", "podman")
            yield Lack(message=f"{what}: {engine.why}", file=span.file, line=span.line, remedy=remedy)

    def _check_services(self, leg: OutlinedJob) -> Iterator[Lack]:
        services = self._job.services
        if isinstance(services, ExpressionToken):
            return
        for service in services:
            if isinstance(service.container, ExpressionToken):
                continue
            spec = self._specify(service.id, service.container, leg)
            why = None if spec is None else self._machine.refuse_service(spec)
            if spec is not None and why is not None:
                span = service.container.image.span
                name = spec.image.partition(":")[0].rpartition("/")[2]
                remedy = _SERVICE_PACKAGES.get(name, Remedy("system", "podman"))
                yield Lack(message=f"service '{service.id}': {why}", file=span.file, line=span.line, remedy=remedy)

    def _specify(self, name: str, written: nodes.Container, leg: OutlinedJob) -> ContainerSpec | None:
        """The service as far as it is known now; None where even its image is not, or is empty."""
        image = self._image(written, leg)
        if not image:
            return None
        env = written.env.entries if isinstance(written.env, MappingToken) else ()
        return ContainerSpec(
            name=name,
            image=image,
            # what only a run knows is there, whatever it is
            env={show_source(entry.key): self._text(entry.value, leg) or "x" for entry in env},
            ports=self._list(written.ports, leg),
            volumes=self._list(written.volumes, leg),
            options=self._text(written.options, leg) or "",
            entrypoint=self._text(written.entrypoint, leg) or "",
            command=self._text(written.command, leg) or "",
            span=written.image.span,
        )

    def _image(self, container: nodes.Container | ExpressionToken, leg: OutlinedJob) -> str | None:
        return self._text(container.image if isinstance(container, nodes.Container) else container, leg)

    def _list(self, token: SequenceToken | ExpressionToken | None, leg: OutlinedJob) -> tuple[str, ...]:
        items = token.items if isinstance(token, SequenceToken) else ()
        return tuple(text for item in items if (text := self._text(item, leg)) is not None)

    def _text(self, token: Token | None, leg: OutlinedJob) -> str | None:
        """The value of a key; None where it is absent or only known when the job runs."""
        unknown = _UNKNOWN if leg.expanded else _UNKNOWN | {"matrix", "strategy"}
        if token is None or mentions(token, unknown):
            return None
        try:
            return evaluate_text(token, {"matrix": leg.matrix, "strategy": {}})
        except EvaluationError:
            return None

    # --- steps -------------------------------------------------------------------------------------------------------

    def _check_shell(self, step: nodes.RunStep, leg: OutlinedJob) -> Iterator[Lack]:
        words = self._shell_of(step, leg).split()
        program = words[0] if words else ""
        if program and "/" not in program and self._machine.find(program) is None and program != "python":
            remedy = Remedy("system", HOSTED.get(program) or program)
            if program in {"pwsh", "powershell", "cmd"}:
                remedy = Remedy("words", "PowerShell and cmd are not in the system's packages")
            message = f"a step's shell is {program}, which is not here"
            yield Lack(message=message, file=step.span.file, line=step.span.line, remedy=remedy)

    def _shell_of(self, step: nodes.RunStep, leg: OutlinedJob) -> str:
        default = None if self._defaults is None else self._defaults.shell
        return self._text(step.shell, leg) or self._text(default, leg) or ""

    def _check_action(self, step: nodes.UsesStep, leg: OutlinedJob, depth: int) -> Iterator[Lack]:
        uses, span = step.uses.value, step.uses.span
        if step.condition.expression.source == "false" or depth > _DEEPEST:
            return
        if uses.startswith("docker://"):
            yield from self._need_engine("a step runs in a container", span)
        elif uses.startswith(("./", "$/")):
            yield from self._check_local(step, leg, depth)
        elif _is_setup_python(uses):
            yield from self._check_python(step, leg)
        elif (_is_published(uses) or _is_checkout(uses)) and self._machine.find("git") is None:
            message = f"{uses} needs git, which is not here"
            yield Lack(message=message, file=span.file, line=span.line, remedy=Remedy("system", "git"))

    def _check_local(self, step: nodes.UsesStep, leg: OutlinedJob, depth: int) -> Iterator[Lack]:
        folder = os.path.normpath(os.path.join(self._folder, step.uses.value[2:]))
        action = _read_action(folder)
        if action is None:
            if os.path.isfile(f"{folder}/Dockerfile"):
                yield from self._need_engine(f"{step.uses.value} runs in a container", step.uses.span)
            return
        match action.runs:
            case nodes.DockerRuns():
                yield from self._need_engine(f"{step.uses.value} runs in a container", step.uses.span)
            case nodes.NodeRuns(using=using):
                if self._machine.node(using) is None:
                    message = f"{step.uses.value} needs Node.js ({using}), which is not here"
                    span, remedy = step.uses.span, Remedy("extra", "node")
                    yield Lack(message=message, file=span.file, line=span.line, remedy=remedy)
            case nodes.CompositeRuns(steps=steps):
                for inner in steps:
                    if isinstance(inner, nodes.UsesStep):
                        yield from self._check_action(inner, leg, depth + 1)

    def _check_python(self, step: nodes.UsesStep, leg: OutlinedJob) -> Iterator[Lack]:
        """A version that is written and not here; uv, where it is here, brings it when the job runs (`list_notes` says so)."""
        span = step.uses.span
        for version in self._list_missing_pythons(step, leg) if self._machine.uv is None else ():
            message = f"Python {version} is not here"
            yield Lack(message=message, file=span.file, line=span.line, remedy=Remedy("python", version))

    def _note_python(self, step: nodes.UsesStep, leg: OutlinedJob) -> Iterator[Lack]:
        span = step.uses.span
        for version in self._list_missing_pythons(step, leg) if self._machine.uv is not None else ():
            message = f"Python {version} is not here: uv is asked for it when the job runs"
            yield Lack(message=message, file=span.file, line=span.line, remedy=Remedy("python", version))

    def _list_missing_pythons(self, step: nodes.UsesStep, leg: OutlinedJob) -> Iterator[str]:
        """Of the versions that are written; those of files are known after checkout."""
        entries = step.inputs.entries if isinstance(step.inputs, MappingToken) else ()
        texts = (
            self._text(entry.value, leg) for entry in entries if show_source(entry.key).lower() == "python-version"
        )
        for text in texts:
            for line in filter(None, map(str.strip, (text or "").splitlines())):
                if find_fitting(parse_wish(line), self._machine.interpreters) is None:
                    yield line


def _write_out(steps: Sequence[nodes.Step]) -> Iterator[nodes.RunStep | nodes.UsesStep]:
    for step in steps:
        if isinstance(step, nodes.ParallelStep):
            yield from step.steps
        elif isinstance(step, nodes.RunStep | nodes.UsesStep):
            yield step


def _is_setup_python(uses: str) -> bool:
    return uses.partition("@")[0].lower() == "actions/setup-python"


def _is_checkout(uses: str) -> bool:
    return uses.partition("@")[0].lower() == "actions/checkout"


def _is_published(uses: str) -> bool:
    return not uses.startswith(("./", "$/", "docker://")) and find_native(uses.partition("@")[0]) is None


def _read_action(folder: str) -> nodes.Action | None:
    for name in ("action.yml", "action.yaml"):
        try:
            return parse_action(read_file(f"{folder}/{name}"), name)[0]
        except OSError:
            continue
    return None
