"""Which container a job wants for itself, and why it cannot have it."""

from collections.abc import Mapping

from homeport.language import nodes
from homeport.language.tokens import ExpressionToken
from homeport.plan.evaluation import evaluate_token
from homeport.ports.containers import ContainerSpec
from homeport.runner.services.written import CONTEXTS, read_container, read_value
from homeport.runner.session import JobSession


def find_container(session: JobSession) -> tuple[ContainerSpec | None, str | None]:
    """The job's `container`, or that of the runner that takes it; else why there must be one. Raises `EvaluationError`."""
    written = session.order.job.container
    spec = _read(session, written) if written is not None else None
    if spec is not None:
        return spec, None
    leg, settings = session.order.leg, session.settings
    image = _choose_image(settings.images, leg.runs_on, leg.runner_group)
    if image is not None:
        return ContainerSpec(name="", image=image, span=session.order.job.id_span), None
    if settings.requires_container:
        labels = ", ".join(leg.runs_on)
        return None, (
            f"--executor container was asked for, and there is no image for it; name one with `container:` in the job, "
            f"or with `--runner {leg.runs_on[0] if leg.runs_on else 'LABEL'}=container:IMAGE` for {labels or 'its label'}"
        )
    return None, None


def _read(session: JobSession, written: nodes.Container | ExpressionToken) -> ContainerSpec | None:
    if isinstance(written, nodes.Container):
        return read_container(session, "", written)
    return read_value(session, "", evaluate_token(written, session.select(CONTEXTS)), written.span)


def _choose_image(images: Mapping[str, str], labels: tuple[str, ...], group: str | None) -> str | None:
    names = [label.lower() for label in labels] + ([f"group:{group.lower()}"] if group is not None else [])
    return next((images[name] for name in names if name in images), None)


def find_refusal(session: JobSession, spec: ContainerSpec) -> str | None:
    """Why a job's container cannot be had at all."""
    host = session.services.containers
    return find_engine_refusal(session) or (host.find_refusal(spec) if host is not None else None)


def find_engine_refusal(session: JobSession) -> str | None:
    """Why the folders of a job cannot be in a container: no engine, or one that does not see them."""
    host = session.services.containers
    if host is None:
        return "this runner has no containers"
    return host.find_mount_refusal(session.order)
