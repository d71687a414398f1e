"""What a job asks for that cannot be done here yet: said before any step runs, at its place, so that nothing is falsely green."""

import os
from collections.abc import Iterator

import msgspec

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.runner.entries import list_uses
from homeport.runner.folders import read_file
from homeport.runner.resolution import is_local
from homeport.runner.session import JobSession

_NO_HOST = "nothing here starts services for this job (a container engine does not for a sandboxed one)"


class Refusal(msgspec.Struct, frozen=True):
    """One thing that stands in the way of a job."""

    message: str
    span: Span


def list_refusals(session: JobSession) -> Iterator[Refusal]:
    """No steps at all, containers and services with an image, and snapshots. Raises `EvaluationError`."""
    job = session.order.job
    if not job.steps:
        yield Refusal("No steps are defined for this job, so nothing would run", job.id_span)
    settings = session.settings
    if session.wall is not None:
        yield from _list_outsiders(session)
        return
    if job.container is not None or settings.images or settings.requires_container:
        yield from _list_container(session)
    if job.services:
        yield from _list_services(session)
    if job.snapshot is not None:
        yield Refusal("This job wants to make a snapshot of its machine, which cannot be done here", job.snapshot.span)
    yield from _list_container_actions(session)


def _list_outsiders(session: JobSession) -> Iterator[Refusal]:
    """What would be done for a sandboxed job outside of its sandbox. Services are programs of this machine behind a wall of
    their own: a database runs programs for whoever may log in as its owner.
    """
    job = session.order.job
    why = "runs outside of the sandbox, so a sandboxed job cannot have it"
    if job.container is not None:
        yield Refusal(f"The container of this job {why}", job.id_span)
    if job.services:
        yield from _list_services(session)
    if job.snapshot is not None:
        yield Refusal("This job wants to make a snapshot of its machine, which cannot be done here", job.snapshot.span)


def _list_services(session: JobSession) -> Iterator[Refusal]:
    """Those that nothing here can start; the others are what the job will start."""
    from homeport.runner.services.written import read_services  # noqa: PLC0415 - many jobs have none

    host = session.service_host
    session.wanted_services = tuple(read_services(session))
    for spec in session.wanted_services:
        why = _NO_HOST if host is None else host.find_refusal(spec)
        if why is not None:
            yield Refusal(f"The service '{spec.name}' cannot be started: {why}", spec.span)


def _list_container(session: JobSession) -> Iterator[Refusal]:
    """The job's own container, if it has one, is noted; what stands in its way is given."""
    from homeport.runner.containers.wanted import find_container, find_refusal  # noqa: PLC0415 - few jobs have one

    spec, problem = find_container(session)
    session.wanted_container = spec
    reason = problem if spec is None else find_refusal(session, spec)
    if reason is not None:
        span = session.order.job.id_span if spec is None else spec.span
        yield Refusal(f"This job cannot run in a container: {reason}", span)


def _list_container_actions(session: JobSession) -> Iterator[Refusal]:
    """Local actions are looked up in the workspace, when they are reached. The working tree that the run was started from tells now
    which of them will want a container.
    """
    for step in list_uses(session.order.job.steps):
        if is_local(step.uses.value) and step.condition.expression.source != "false":
            folder = os.path.normpath(os.path.join(session.services.sources.folder, step.uses.value))
            if _wants_container(folder):
                from homeport.runner.containers.wanted import find_engine_refusal  # noqa: PLC0415 - few jobs have such

                reason = find_engine_refusal(session)
                if reason is not None:
                    yield Refusal(f"The action '{step.uses.value}' cannot run in a container: {reason}", step.uses.span)


def _wants_container(folder: str) -> bool:
    for name in ("action.yml", "action.yaml"):
        try:
            text = read_file(f"{folder}/{name}")
        except OSError:
            continue
        if b"docker" not in text:
            return False
        # reading a whole file takes longer than a job without such actions
        from homeport.language.parser.action import parse_action  # noqa: PLC0415

        action, _ = parse_action(text, name)
        return action is not None and isinstance(action.runs, nodes.DockerRuns)
    return os.path.isfile(f"{folder}/Dockerfile")
