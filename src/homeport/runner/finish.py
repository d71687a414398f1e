"""What a job leaves behind when its steps are done: outputs, the address of its environment, and why it ended as it did.

Source: actions/runner `JobExtension.FinalizeJob`. The warnings are its own.
"""

from typing import Any

from homeport.plan.evaluation import EvaluationError, evaluate_text
from homeport.run.facts import EnvironmentUrlSet
from homeport.runner.remarks import blame, say
from homeport.runner.scope import Scope
from homeport.runner.session import JobSession

MOST_OUTPUT_BYTES = 1024 * 1024
"""docs: "Passing information between jobs": 1 MB a job, measured in UTF-16"""
_STOP_REASONS = {
    "fail-fast": "cancelled because another job of its matrix failed",
    "superseded": "cancelled because a newer run of its concurrency group took its place",
}


def finish(session: JobSession, scope: Scope) -> dict[str, str]:
    """Evaluate what the job says of itself; gives its outputs. What fails here fails the job."""
    contexts = scope.contexts(session.env, session.github)
    outputs = _evaluate_outputs(session, contexts)
    environment = session.order.leg.environment
    if environment is not None and environment.url is not None:
        _set_environment_url(session, environment.name, contexts)
    return outputs


def _evaluate_outputs(session: JobSession, contexts: dict[str, Any]) -> dict[str, str]:
    """Outputs that are empty or hold a secret are left out."""
    outputs: dict[str, str] = {}
    for output in session.order.job.outputs:
        try:
            value = "" if output.value is None else evaluate_text(output.value, contexts)
        except EvaluationError as error:
            session.reason = blame(session, error.message, error.span)
            session.worsen("failure")
            continue
        if value and session.masker.is_secret_in(value):
            say(session, "warning", f"Skip output '{output.name}' since it may contain secret.", output.span)
        elif value:
            outputs[output.name] = session.masker.mask_text(value)
    size = sum(2 * (len(name) + len(value)) for name, value in outputs.items())
    if size > MOST_OUTPUT_BYTES:
        message = f"The outputs of this job take {size:,} bytes (in UTF-16); the limit is {MOST_OUTPUT_BYTES:,}"
        session.reason = blame(session, message, session.order.job.outputs[0].span)
        session.worsen("failure")
        return {}
    return outputs


def _set_environment_url(session: JobSession, name: str, contexts: dict[str, Any]) -> None:
    order = session.order
    token = order.leg.environment.url if order.leg.environment is not None else None
    if token is None:
        return
    try:
        url = evaluate_text(token, {key: value for key, value in contexts.items() if key != "secrets"})
    except EvaluationError as error:
        session.reason = blame(session, error.message, error.span)
        session.worsen("failure")
        return
    if session.masker.is_secret_in(url):
        say(session, "warning", f"Skip setting environment url as environment '{name}' may contain secret.")
    elif url:
        session.reporter.add(
            EnvironmentUrlSet(
                at=session.clock.now(), run=order.run, job=order.leg.key, url=session.masker.mask_text(url)
            )
        )


def find_reason(session: JobSession) -> str | None:
    """Why the job ended as it did, where its steps do not say; a job that ran out of time says so in an annotation too."""
    if session.status == "cancelled":
        if session.stop.is_timeout:
            minutes = session.order.leg.timeout_minutes
            message = (
                f"The job running on runner {session.settings.name} has exceeded the maximum execution time of "
                f"{minutes:g} minutes."
            )
            return blame(session, message, None)
        return _STOP_REASONS.get(session.stop.signal.reason or "")
    if session.status == "success" or session.reason is None:
        return None
    return session.masker.mask_text(session.reason)
