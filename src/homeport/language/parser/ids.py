"""The ids of jobs and steps: which are allowed, and which are made for steps without one.

Source: actions/runner `IdBuilder` and `WorkflowTemplateConverter.ConvertToSteps`.
"""

from homeport.diagnostics.diagnostic import Related
from homeport.language.expr.syntax import is_identifier
from homeport.language.names import quote
from homeport.language.parser.findings import Findings
from homeport.language.tokens import StringToken

_CODE = "id"
_LONGEST = 100
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def check_id(token: StringToken, what: str, findings: Findings) -> bool:
    """Whether an id may be written; reports why not."""
    text = token.value
    if not text or not is_identifier(text):
        message = f"the id {quote(text)} of {what} is invalid; expected letters, digits, '_' and '-', and a letter or '_' first"
        fixed = _replace_forbidden(text).lstrip("-")
        fixed = fixed if fixed and is_identifier(fixed) else f"_{fixed}"
        findings.refuse(_CODE, token.span, message, hint=f"write '{fixed}'" if len(fixed) < _LONGEST else None)
    elif len(text) >= _LONGEST:
        findings.refuse(
            _CODE,
            token.span,
            f"the id {quote(text)} of {what} has {len(text)} characters; expected less than {_LONGEST}",
        )
    elif text.startswith("__"):
        findings.refuse(
            _CODE, token.span, f"the id {quote(text)} of {what} begins with '__', which is kept for generated ids"
        )
    else:
        return True
    return False


def _replace_forbidden(text: str) -> str:
    return "".join(character if character in _ALLOWED else "_" for character in text)


class StepIds:
    """The ids of one job's steps: written ones first, then generated ones that keep out of their way."""

    def __init__(self) -> None:
        self._taken: dict[str, StringToken | None] = {}
        self._attempts: dict[str, int] = {}

    def add(self, token: StringToken, findings: Findings) -> None:
        """Take a written id; reports where it is invalid or taken."""
        if not check_id(token, "a step", findings):
            return
        folded = token.value.lower()
        first = self._taken.get(folded)
        if first is not None:
            message = f"the step id {quote(token.value)} is used twice; ids are compared ignoring case"
            related = (Related("it is first used here", first.span),)
            findings.refuse(_CODE, token.span, message, related=related)
            return
        self._taken[folded] = token

    def generate(self, what: str) -> str:
        """A free id for a step that does `what`: `__run`, `__run_2`, `__actions_checkout`."""
        stem = "__" + _replace_forbidden(what)
        attempt = self._attempts.get(stem.lower(), 0)
        while True:
            attempt += 1
            suffix = "" if attempt == 1 else f"_{attempt}"
            candidate = stem[: _LONGEST - len(suffix)] + suffix
            if candidate.lower() not in self._taken:
                break
        self._attempts[stem.lower()] = attempt
        self._taken[candidate.lower()] = None
        return candidate


def describe_action(uses: str) -> str:
    """What the generated id of a step that uses an action says of it."""
    if uses.startswith("docker://"):
        return uses.removeprefix("docker://") or "run"
    if uses.startswith(("./", ".\\", "$/")):
        return "self"
    path, separator, ref = uses.partition("@")
    segments = [segment for segment in path.replace("\\", "/").split("/") if segment]
    if not separator or not ref or "@" in ref or len(segments) < 2:
        return "run"
    return f"{segments[0]}/{segments[1]}"
