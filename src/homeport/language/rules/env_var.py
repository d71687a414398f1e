"""Names of environment variables that no shell can use."""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import quote
from homeport.language.nodes import Container, Job, Pairs, RunStep, UsesStep, Workflow
from homeport.language.parser.steps import walk_steps
from homeport.language.tokens import MappingToken, StringToken

_FORBIDDEN = "&= "


def check_env_names(workflow: Workflow) -> Iterator[Diagnostic]:
    """Report names in any `env` with `=`, `&` or a space."""
    for env in _find_envs(workflow):
        for entry in env.entries if isinstance(env, MappingToken) else ():
            if isinstance(entry.key, StringToken) and any(character in entry.key.value for character in _FORBIDDEN):
                message = f"the name {quote(entry.key.value)} of an environment variable has '=', '&' or a space in it"
                yield Diagnostic(code="env-var", message=message, span=entry.key.span)


def _find_envs(workflow: Workflow) -> Iterator[Pairs | None]:
    yield workflow.env
    for job in workflow.jobs:
        if not isinstance(job, Job):
            continue
        yield job.env
        services = job.services if isinstance(job.services, tuple) else ()
        for container in (job.container, *(service.container for service in services)):
            if isinstance(container, Container):
                yield container.env
        for step in walk_steps(job.steps):
            if isinstance(step, RunStep | UsesStep):
                yield step.env
