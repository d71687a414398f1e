"""Actions and workflows of others that are named by a branch or a tag, which their owner can move.

Source: docs "Secure use reference: Using third-party actions".
"""

import re
from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import quote
from homeport.language.nodes import CallJob, UsesStep
from homeport.language.subject import Subject
from homeport.language.tokens import StringToken

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.IGNORECASE)
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$", re.IGNORECASE)


def check_pins(subject: Subject) -> Iterator[Diagnostic]:
    """Report uses that no commit or digest pins."""
    uses = [step.uses for _, step in subject.steps() if isinstance(step, UsesStep)]
    uses += [job.uses for job in subject.jobs if isinstance(job, CallJob)]
    for token in uses:
        if not _is_pinned(token):
            what = "a digest" if token.value.startswith("docker://") else "a commit"
            message = f"{quote(token.value)} is not pinned to {what}: what it means can change"
            hint = "write the full id of the commit, with the version in a comment behind it"
            if what == "a digest":
                hint = "write '@sha256:…' behind the image"
            yield Diagnostic(code="unpinned-action", message=message, span=token.span, hint=hint, severity="warning")


def _is_pinned(token: StringToken) -> bool:
    uses = token.value
    if uses.startswith(("./", "$/", ".\\")):
        return True
    if uses.startswith("docker://"):
        return _DIGEST.search(uses) is not None
    return _COMMIT.fullmatch(uses.rpartition("@")[2]) is not None
