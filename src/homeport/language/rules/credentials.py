"""Passwords for container registries that stand in the file, for everybody who can read it.

Source: docs "Workflow syntax: jobs.<job_id>.container.credentials" and "Using secrets in GitHub Actions".
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import quote
from homeport.language.nodes import Container, Job
from homeport.language.parser.values import fields
from homeport.language.subject import Subject
from homeport.language.tokens import ExpressionToken, StringToken


def check_credentials(subject: Subject) -> Iterator[Diagnostic]:
    """Report passwords of containers and services that are written out."""
    for job in subject.jobs:
        if isinstance(job, Job):
            yield from _check(job.container, "the container")
            for service in job.services if isinstance(job.services, tuple) else ():
                yield from _check(service.container, f"the service {quote(service.id)}")


def _check(container: Container | ExpressionToken | None, who: str) -> Iterator[Diagnostic]:
    if not isinstance(container, Container) or isinstance(container.credentials, ExpressionToken):
        return
    password = fields(container.credentials).get("password")
    if isinstance(password, StringToken):
        message = f"the password of {who} is written out; expected a secret"
        hint = "write 'password: ${{ secrets.REGISTRY_PASSWORD }}', and change the password that was published"
        yield Diagnostic(code="credentials", message=message, span=password.span, hint=hint)
