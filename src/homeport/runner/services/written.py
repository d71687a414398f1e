"""Evaluates `services` as they are written in a workflow: what is to be started, and what of it cannot be read.

Sources: GitHub docs, "jobs.<job_id>.services" and "Context availability"; actions/runner `PipelineTemplateConverter
.ConvertToJobServiceContainers` (a service without an image is not started).
"""

from collections.abc import Mapping
from typing import Any

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.expr.coercion import to_string
from homeport.language.expr.values import CaseSensitiveObject
from homeport.language.tokens import ExpressionToken, SequenceToken, Token
from homeport.plan.evaluation import EvaluationError, evaluate_text, evaluate_texts, evaluate_token
from homeport.ports.containers import ContainerSpec
from homeport.runner.session import JobSession

CONTEXTS = "github needs strategy matrix vars inputs"
_KEYS = frozenset({"image", "credentials", "env", "ports", "volumes", "options", "entrypoint", "command"})


def read_services(session: JobSession) -> list[ContainerSpec]:
    """The services of the job that are to be started, in order. Passwords are masked from here on. Raises `EvaluationError`."""
    services = session.order.job.services
    if isinstance(services, ExpressionToken):
        return _read_whole(session, services)
    specs = (_read_service(session, service) for service in services)
    return [spec for spec in specs if spec is not None]


def _read_service(session: JobSession, service: nodes.Service) -> ContainerSpec | None:
    if isinstance(service.container, ExpressionToken):
        value = evaluate_token(service.container, session.select(CONTEXTS))
        return read_value(session, service.id, value, service.container.span)
    return read_container(session, service.id, service.container)


def read_container(session: JobSession, name: str, written: nodes.Container) -> ContainerSpec | None:
    """A container that is written out; None where its image is empty. Raises `EvaluationError`."""
    contexts = session.select(CONTEXTS)
    image = evaluate_text(written.image, contexts)
    if not image:
        return None
    secret = {**contexts, "env": CaseSensitiveObject(session.env), "secrets": session.contexts["secrets"]}
    credentials = evaluate_texts(written.credentials, secret)
    _hide(session, credentials)
    inside = {**secret, "job": session.job, "runner": session.runner}
    return ContainerSpec(
        name=name,
        image=image,
        username=credentials.get("username", ""),
        password=credentials.get("password", ""),
        env=evaluate_texts(written.env, inside),
        ports=_read_list(written.ports, contexts),
        volumes=_read_list(written.volumes, contexts),
        options=_read_text(written.options, contexts),
        entrypoint=_read_text(written.entrypoint, contexts),
        command=_read_text(written.command, contexts),
        span=written.image.span,
    )


def _read_text(token: Token | None, contexts: Mapping[str, Any]) -> str:
    return "" if token is None else evaluate_text(token, contexts)


def _read_list(token: SequenceToken | ExpressionToken | None, contexts: Mapping[str, Any]) -> tuple[str, ...]:
    if token is None:
        return ()
    if isinstance(token, SequenceToken):
        return tuple(evaluate_text(item, contexts) for item in token.items)
    return _check_list(evaluate_token(token, contexts), token.span)


# --- what one expression gives ---------------------------------------------------------------------------------------


def _read_whole(session: JobSession, token: ExpressionToken) -> list[ContainerSpec]:
    value = evaluate_token(token, session.select(CONTEXTS))
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise EvaluationError("'services' must be a mapping of names to containers", token.span)
    specs = (read_value(session, str(name), definition, token.span) for name, definition in value.items())
    return [spec for spec in specs if spec is not None]


def read_value(session: JobSession, name: str, value: Any, span: Span) -> ContainerSpec | None:
    """A definition that has been evaluated already: the name of an image, or a mapping."""
    definition = value if isinstance(value, Mapping) else {"image": value}
    unknown = [str(key) for key in definition if str(key).lower() not in _KEYS]
    if unknown:
        raise EvaluationError(f"the service '{name}' has the key '{unknown[0]}', which is not known", span)
    given = {str(key).lower(): item for key, item in definition.items()}
    texts = {key: _check_text(given.get(key), span) for key in ("image", "options", "entrypoint", "command")}
    if not texts["image"]:
        return None
    credentials = _check_texts(given.get("credentials"), span)
    _hide(session, credentials)
    return ContainerSpec(
        name=name,
        username=credentials.get("username", ""),
        password=credentials.get("password", ""),
        env=_check_texts(given.get("env"), span),
        ports=_check_list(given.get("ports"), span),
        volumes=_check_list(given.get("volumes"), span),
        span=span,
        **texts,
    )


def _check_text(value: Any, span: Span) -> str:
    if isinstance(value, (Mapping, list)):
        raise EvaluationError("text is needed here, and a collection was found", span)
    return to_string(value)


def _check_texts(value: Any, span: Span) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise EvaluationError("a mapping is needed here", span)
    return {str(key): _check_text(item, span) for key, item in value.items()}


def _check_list(value: Any, span: Span) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise EvaluationError("a sequence is needed here", span)
    return tuple(_check_text(item, span) for item in value)


def _hide(session: JobSession, credentials: Mapping[str, str]) -> None:
    password = credentials.get("password")
    if password:
        session.masker.add(password)
