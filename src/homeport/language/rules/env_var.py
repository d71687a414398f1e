"""Names of environment variables that no shell can use."""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import quote
from homeport.language.nodes import Container, DockerRuns, Job, Pairs, Workflow
from homeport.language.subject import Subject
from homeport.language.tokens import MappingToken, StringToken

_FORBIDDEN = "&= "


def check_env_names(subject: Subject) -> Iterator[Diagnostic]:
    """Report names in any `env` with `=`, `&` or a space."""
    for env in _find_envs(subject):
        for entry in env.entries if isinstance(env, MappingToken) else ():
            if isinstance(entry.key, StringToken) and any(character in entry.key.value for character in _FORBIDDEN):
                message = f"the name {quote(entry.key.value)} of an environment variable has '=', '&' or a space in it"
                yield Diagnostic(code="env-var", message=message, span=entry.key.span)


def _find_envs(subject: Subject) -> Iterator[Pairs | None]:
    if isinstance(subject.root, Workflow):
        yield subject.root.env
    elif isinstance(subject.root.runs, DockerRuns):
        yield subject.root.runs.env
    for job in subject.jobs:
        if isinstance(job, Job):
            yield job.env
            services = job.services if isinstance(job.services, tuple) else ()
            for container in (job.container, *(service.container for service in services)):
                if isinstance(container, Container):
                    yield container.env
    for _, step in subject.steps():
        yield step.env
