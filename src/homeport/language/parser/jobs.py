"""Reads the jobs of a workflow.

Source: docs "Workflow syntax: jobs"; actions/runner `WorkflowTemplateConverter.ConvertToJob`.
"""

from homeport.language.nodes import CallJob, Job, Need, OutputDeclaration, RunsOn
from homeport.language.parser.findings import Findings
from homeport.language.parser.ids import check_id
from homeport.language.parser.matrix import check_matrix
from homeport.language.parser.references import check_workflow_reference
from homeport.language.parser.settings import (
    read_concurrency,
    read_container,
    read_defaults,
    read_environment,
    read_minutes,
    read_permissions,
    read_runs_on,
    read_services,
    read_snapshot,
    read_strategy,
)
from homeport.language.parser.steps import read_steps
from homeport.language.parser.values import (
    as_filled_text,
    as_flag,
    as_pairs,
    as_string,
    as_text,
    condition_of,
    fields,
    literal_entries,
    strings_of,
)
from homeport.language.tokens import MappingToken, StringToken, Token


def read_jobs(token: Token | None, findings: Findings) -> tuple[Job | CallJob, ...]:
    """Every job that can be read, in order."""
    jobs: list[Job | CallJob] = []
    for key, value in literal_entries(token):
        if isinstance(value, MappingToken):
            check_id(key, "a job", findings)
            jobs.append(_read_job(key, value, findings))
    return tuple(jobs)


def _read_job(key: StringToken, token: MappingToken, findings: Findings) -> Job | CallJob:
    settings = fields(token)
    uses = as_string(settings.get("uses"))
    if uses is not None:
        return _read_call(key, uses, token, settings, findings)
    strategy = read_strategy(settings.get("strategy"), findings)
    check_matrix(strategy, findings)
    runs_on = settings.get("runs-on")
    return Job(
        id=key.value,
        id_span=key.span,
        name=as_filled_text(settings.get("name")),
        needs=_read_needs(settings.get("needs")),
        condition=condition_of(settings.get("if"), "jobs.if", key.span),
        permissions=read_permissions(settings.get("permissions")),
        runs_on=RunsOn(None, None, key.span) if runs_on is None else read_runs_on(runs_on, findings),
        strategy=strategy,
        environment=read_environment(settings.get("environment")),
        concurrency=read_concurrency(settings.get("concurrency"), findings),
        outputs=_read_outputs(settings.get("outputs")),
        env=as_pairs(settings.get("env")),
        defaults=read_defaults(settings.get("defaults"), findings),
        timeout_minutes=read_minutes(settings.get("timeout-minutes"), findings),
        cancel_timeout_minutes=read_minutes(settings.get("cancel-timeout-minutes"), findings),
        continue_on_error=as_flag(settings.get("continue-on-error")),
        container=read_container(settings.get("container"), findings),
        services=read_services(settings.get("services"), findings),
        steps=read_steps(settings.get("steps"), findings),
        snapshot=read_snapshot(settings.get("snapshot"), findings),
        span=token.span,
    )


def _read_call(
    key: StringToken, uses: StringToken, token: MappingToken, settings: dict[str, Token], findings: Findings
) -> CallJob:
    check_workflow_reference(uses, findings)
    strategy = read_strategy(settings.get("strategy"), findings)
    check_matrix(strategy, findings)
    secrets = settings.get("secrets")
    return CallJob(
        id=key.value,
        id_span=key.span,
        name=as_filled_text(settings.get("name")),
        needs=_read_needs(settings.get("needs")),
        condition=condition_of(settings.get("if"), "jobs.if", key.span),
        permissions=read_permissions(settings.get("permissions")),
        strategy=strategy,
        concurrency=read_concurrency(settings.get("concurrency"), findings),
        uses=uses,
        inputs=as_pairs(settings.get("with")),
        secrets=secrets if isinstance(secrets, MappingToken) else None,
        inherit_secrets=isinstance(secrets, StringToken),  # the only text allowed; another was reported
        span=token.span,
    )


def _read_needs(token: Token | None) -> tuple[Need, ...]:
    return tuple(Need(name.value, name.span) for name in strings_of(token))


def _read_outputs(token: Token | None) -> tuple[OutputDeclaration, ...]:
    return tuple(
        OutputDeclaration(name=key.value, value=as_text(value), span=key.span) for key, value in literal_entries(token)
    )
