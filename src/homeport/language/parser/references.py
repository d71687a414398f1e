"""What `uses` may say: the forms in which actions and reusable workflows are named.

Source: docs "Workflow syntax", `jobs.<job_id>.steps[*].uses` and `jobs.<job_id>.uses`; actions/runner `WorkflowTemplateConverter`
(`{org}/{repo}[/path]@ref`); GitHub changelog, 30 July 2026 (`$/`: the running repository at the running commit, without a ref).
"""

from homeport.language.names import quote
from homeport.language.parser.findings import Findings
from homeport.language.tokens import StringToken

_ACTION_FORMS = "expected 'owner/repo@ref', 'owner/repo/path@ref', './path', '$/path' or 'docker://image'"
_WORKFLOW_FORMS = "expected 'owner/repo/.github/workflows/file.yml@ref', './.github/workflows/file.yml' or '$/.github/workflows/file.yml'"


def check_action_reference(token: StringToken, findings: Findings) -> None:
    """Report a `uses` of a step that names no action."""
    uses = token.value
    if token.from_expression:
        return
    if uses.startswith("docker://"):
        _check_image(token, findings)
    elif uses.startswith("$/"):
        _check_own(token, _ACTION_FORMS, "action", findings)
    elif not uses.startswith(("./", ".\\")):
        _check_remote(token, 2, _ACTION_FORMS, "action", findings)


def check_workflow_reference(token: StringToken, findings: Findings) -> None:
    """Report a `uses` of a job that names no workflow file."""
    uses = token.value
    if token.from_expression:
        return
    if uses.startswith(("./", "$/")):
        _check_own(token, _WORKFLOW_FORMS, "workflow-call", findings)
        path = uses
    else:
        if not _check_remote(token, 3, _WORKFLOW_FORMS, "workflow-call", findings):
            return
        path = uses.rpartition("@")[0]
    if "@" not in path and not path.endswith((".yml", ".yaml")):
        message = f"{quote(uses)} does not name a workflow file; {_WORKFLOW_FORMS}"
        findings.refuse("workflow-call", token.span, message)


def _check_image(token: StringToken, findings: Findings) -> None:
    image = token.value.removeprefix("docker://")
    if not image:
        findings.refuse("action", token.span, "no image after 'docker://'", hint="write 'docker://alpine:3.20'")
    elif image.endswith(":"):
        message = f"the tag of the image {quote(image)} is empty"
        findings.report("action", token.span, message, hint=f"write '{token.value}latest', or a version")


def _check_own(token: StringToken, forms: str, code: str, findings: Findings) -> None:
    if "@" in token.value:
        message = f"{quote(token.value)} is in the same repository, at the same commit, and cannot have a ref; {forms}"
        findings.refuse(code, token.span, message, hint=f"write '{token.value.partition('@')[0]}'")
    elif len(token.value) <= 2:
        findings.refuse(code, token.span, f"{quote(token.value)} has no path; {forms}")


def _check_remote(token: StringToken, segments_needed: int, forms: str, code: str, findings: Findings) -> bool:
    uses = token.value
    path, separator, ref = uses.partition("@")
    segments = [segment for segment in path.replace("\\", "/").split("/") if segment]
    if not separator or not ref:
        missing = "a ref"
        hint = f"write '{path}@' and a branch, a tag or a commit"
        if path.startswith("."):
            hint += f"; for a folder of this repository write './{path}'"
    elif "@" in ref:
        missing, hint = "one ref only", "write a single '@'"
    elif len(segments) < segments_needed:
        missing = (
            "an owner and a repository" if segments_needed == 2 or len(segments) < 2 else "the path of a workflow file"
        )
        hint = None
    else:
        return True
    findings.refuse(code, token.span, f"{quote(uses)} does not have {missing}; {forms}", hint=hint)
    return False
