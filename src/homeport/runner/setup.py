"""Prepares a job: its environment and defaults, and everything that must be known before a step may run.

Source: actions/runner `JobExtension.InitializeJob`.
"""

from homeport.plan.evaluation import EvaluationError, evaluate_text, evaluate_texts
from homeport.runner.entries import list_uses
from homeport.runner.remarks import blame, say
from homeport.runner.resolution import resolve_all
from homeport.runner.session import Defaults, JobSession
from homeport.runner.toolkit_access import open_toolkit
from homeport.runner.unsupported import list_refusals


def set_up(session: JobSession) -> list[str]:
    """Everything before the first step; why the job cannot begin, if it cannot."""
    _tell_of_short_lines(session)
    session.mend_folders()
    open_toolkit(session, list(list_uses(session.order.job.steps)))
    try:
        _evaluate_env(session)
        _evaluate_defaults(session)
        refusals = [(refusal.message, refusal.span, None) for refusal in list_refusals(session)]
    except EvaluationError as error:
        return [blame(session, error.message, error.span)]
    missing = resolve_all(session, list_uses(session.order.job.steps))
    found = [*refusals, *((error.message, error.span, error.hint) for error in missing)]
    return [blame(session, message, span, hint) for message, span, hint in found]


def _tell_of_short_lines(session: JobSession) -> None:
    if not session.contexts["secrets"]:
        return
    from homeport.runner.secret_forms import MINIMUM_LINE_LENGTH, find_short_lines  # noqa: PLC0415 - many jobs have none

    for name, value in session.contexts["secrets"].items():
        if find_short_lines(value):
            say(
                session,
                "notice",
                f"Lines of the secret '{name}' that are shorter than {MINIMUM_LINE_LENGTH} characters are not masked.",
            )


def _evaluate_env(session: JobSession) -> None:
    order = session.order
    workflow = session.select("github secrets inputs vars")
    session.env.update(evaluate_texts(order.workflow_env, workflow))
    job = session.select("github needs strategy matrix vars inputs secrets")
    session.env.update(evaluate_texts(order.job.env, job))


def _evaluate_defaults(session: JobSession) -> None:
    """`defaults.run` of the job takes the place of the workflow's, all of it (actions/runner `JobExtension`: "Evaluate the job defaults")."""
    contexts = {**session.select("github needs strategy matrix vars inputs"), "env": session.env}
    written = session.order.job.defaults or session.order.workflow_defaults
    if written is not None:
        shell, folder = (
            "" if token is None else evaluate_text(token, contexts)
            for token in (written.shell, written.working_directory)
        )
        session.defaults = Defaults(shell, folder)
