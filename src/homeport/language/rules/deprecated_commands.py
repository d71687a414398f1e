"""Scripts that use workflow commands which GitHub is about to remove, or has disabled.

Source: GitHub changelog, 11 October 2022 (`set-output`, `save-state`) and 1 October 2020 (`set-env`, `add-path`).
"""

import re
from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.names import quote
from homeport.language.nodes import RunStep
from homeport.language.subject import Subject
from homeport.language.tokens import InterpolationToken, StringToken, Text

_COMMAND = re.compile(r"::(?:(save-state|set-output|set-env) +name=[^:\r\n]+::|(add-path)::)")
_INSTEAD = {
    "save-state": '''echo "{name}={value}" >> "$GITHUB_STATE"''',
    "set-output": '''echo "{name}={value}" >> "$GITHUB_OUTPUT"''',
    "set-env": '''echo "{name}={value}" >> "$GITHUB_ENV"''',
    "add-path": '''echo "{path}" >> "$GITHUB_PATH"''',
}
_DISABLED = frozenset({"set-env", "add-path"})


def check_commands(subject: Subject) -> Iterator[Diagnostic]:
    """Report each such command of a script once, where the script begins."""
    for _, step in subject.steps():
        if isinstance(step, RunStep):
            commands = dict.fromkeys(match[1] or match[2] for match in _COMMAND.finditer(_read(step.script)))
            for command in commands:
                yield _report(command, step.script)


def _report(command: str, script: Text) -> Diagnostic:
    if command in _DISABLED:
        message = f"the workflow command {quote(command)} is disabled: the step fails"
    else:
        message = f"the workflow command {quote(command)} is deprecated, and will be disabled"
    return Diagnostic(
        code="deprecated-commands",
        message=message,
        span=script.span,
        severity="error" if command in _DISABLED else "warning",
        hint=f"write {_INSTEAD[command]}",
    )


def _read(script: Text) -> str:
    """The text of a script; an expression in it stands for one character."""
    match script:
        case StringToken():
            return script.value
        case InterpolationToken():
            return "".join(part.value if isinstance(part, StringToken) else "x" for part in script.parts)
        case _:
            return ""
