"""A private Python with a recent pip for the tools that actions bring: the newest of this machine, made once a job."""

import os
from collections.abc import Sequence

from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from homeport.runner.actions.native.setup_python.prefix import PrefixError, make_prefix
from homeport.runner.host import ActionHost

_NOT_FOR_TOOLS = frozenset(
    {
        *("PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_TARGET", "PIP_USER"),
        *("PIP_REQUIRE_VIRTUALENV", "PIP_PYTHON", "PIP_ROOT"),
    }
)


class ToolPipError(Exception):
    """pip failed, or cannot be run; the message says why."""


def run_pip(host: ActionHost, *words: str) -> str:
    """What pip prints; its settings (index, proxy, certificates) are those of a step. Raises `ToolPipError`."""
    environment = {name: value for name, value in host.environment.items() if name not in _NOT_FOR_TOOLS}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONNOUSERSITE": "1"}
    code, output = host.capture([find_tool_python(host), "-m", "pip", *words], environment=environment)
    if code:
        raise ToolPipError(_pick_reason(output) or f"pip ended with exit code {code}")
    return output


def find_tool_python(host: ActionHost) -> str:
    """Its program; made where the job has none yet. Raises `ToolPipError`."""
    prefix = os.path.join(host.paths.root, "Python-for-tools")
    python = os.path.join(prefix, "bin", "python")
    if os.path.isdir(prefix):
        return python
    here = find_interpreters(host.environment, host.paths.tool_cache)
    plain = [each for each in here if not (each.pypy or each.freethreaded or each.version.stage)]
    reasons: Sequence[str] = ()
    for interpreter in sorted(plain, key=lambda each: each.version.order, reverse=True):
        try:
            make_prefix(interpreter, here, prefix, host.paths.tool_cache)
        except (PrefixError, OSError) as error:
            reasons = [*reasons, str(error)]
        else:
            return python
    raise ToolPipError("; ".join(reasons) or "there is no Python on this machine to run pip with")


def _pick_reason(output: str) -> str:
    """Why pip failed: its last error, and a word about the connection where there is one."""
    lines = [line.strip() for line in output.splitlines()]
    connection = [line for line in lines if line.startswith("WARNING: Retrying")][:1]
    errors = [line for line in lines if line.startswith("ERROR:")][-1:]
    return " ".join([*errors, *connection])
