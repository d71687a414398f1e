"""Shells that the runner does not know, or that its system does not have.

Source: docs "Workflow syntax: jobs.<job_id>.steps[*].shell" (table of shells and platforms; other shells are templates with `{0}`).
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import list_names, quote, suggest
from homeport.language.nodes import Defaults, Job, RunStep, Workflow
from homeport.language.parser.values import strings_of
from homeport.language.subject import Subject
from homeport.language.tokens import StringToken, Text

_ANYWHERE = ("bash", "pwsh", "python")
_WINDOWS = (*_ANYWHERE, "cmd", "powershell")
_UNIX = (*_ANYWHERE, "sh")
_ALL = (*_ANYWHERE, "cmd", "powershell", "sh")


def check_shells(subject: Subject) -> Iterator[Diagnostic]:
    """Report unknown shells in steps and defaults, and those that the job's system lacks, as far as its labels tell."""
    if isinstance(subject.root, Workflow):
        yield from _check(_shell_of(subject.root.defaults), None)
    for job in subject.jobs:
        if isinstance(job, Job):
            yield from _check(_shell_of(job.defaults), _find_system(job))
    for owner, step in subject.steps():
        if isinstance(step, RunStep):
            yield from _check(step.shell, None if owner is None else _find_system(owner))


def _shell_of(defaults: Defaults | None) -> Text | None:
    return None if defaults is None else defaults.shell


def _find_system(job: Job) -> str | None:
    """Windows or Unix, where the labels agree on one."""
    labels = [label.value.lower() for label in strings_of(job.runs_on.labels)]
    on_windows = any(label.startswith("windows") for label in labels)
    on_unix = any(label.startswith(("ubuntu", "macos", "linux")) for label in labels)
    return None if on_windows == on_unix else "Windows" if on_windows else "Linux and macOS"


def _check(shell: Text | None, system: str | None) -> Iterator[Diagnostic]:
    if not isinstance(shell, StringToken) or "{0}" in shell.value:
        return
    name = shell.value.lower()
    known = _ALL if system is None else _WINDOWS if system == "Windows" else _UNIX
    if name in known:
        return
    message = (
        f"unknown shell {quote(shell.value)}"
        if name not in _ALL
        else f"the shell {quote(shell.value)} is not there on {system}"
    )
    message += f"; expected one of {list_names(known)}, or a command with '{{0}}' for the script's file"
    hint = suggest(name, known) or f"for another shell write '{shell.value} {{0}}'"
    yield Diagnostic(code="shell-name", message=message, span=shell.span, hint=hint)
