"""Chooses the interpreter that a wish means, and has one installed where uv is there and none fits."""

import os
import re
from collections.abc import Sequence

from homeport.runner.actions.native.semver import Version, parse_range
from homeport.runner.actions.native.setup_python.discovery import (
    Interpreter,
    ask_interpreter,
    find_interpreters,
    machine_architecture,
)
from homeport.runner.actions.native.setup_python.versions import Wish
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program

_INSTALL_SECONDS = 180
_PLAIN = re.compile(r"[\d.]+t?|(?:(?:>=|<=|>|<)\s*[\d.]+[\s,]*)+")


def choose_interpreter(host: ActionHost, wish: Wish, here: list[Interpreter]) -> Interpreter:
    """The newest Python of this machine that a wish admits; of several of one version the first. May add to `here`.

    Raises `ActionError`, which lists what there is.
    """
    found = find_fitting(wish, here)
    if found is not None:
        return found
    host.log(f"Version {wish.versions} was not found on this machine")
    reason = _install(host, wish, here)
    if reason is None:
        here[:] = find_interpreters(host.environment, host.paths.tool_cache)
        found = find_fitting(wish, here)
        if found is not None:
            return found
    raise ActionError(_describe_missing(wish, here, reason))


def find_fitting(wish: Wish, here: Sequence[Interpreter]) -> Interpreter | None:
    """What fits a wish."""
    if wish.pypy:
        return _find_pypy(wish, here)
    versions = parse_range(wish.versions)
    if versions is None:
        return None
    fitting = [each for each in here if not each.pypy and each.freethreaded == wish.freethreaded]
    newest = versions.find_newest(each.version for each in fitting)
    return next((each for each in fitting if each.version == newest), None)


def _find_pypy(wish: Wish, here: Sequence[Interpreter]) -> Interpreter | None:
    versions = parse_range(wish.pypy_versions)
    for each in here:
        if each.pypy and f"{each.version.major}.{each.version.minor}" == wish.versions:
            known = _ask_pypy(each)
            if known is not None and (versions is None or versions.admits(known[1])):
                language, own = known
                return Interpreter(
                    version=language,
                    prefix=each.prefix,
                    executable=each.executable,
                    source=each.source,
                    pypy=str(own),
                )
    return None


def _ask_pypy(interpreter: Interpreter) -> tuple[Version, Version] | None:
    """The version of the language and PyPy's own."""
    program = "import sys; print(*sys.version_info[:3], *sys.pypy_version_info[:3])"
    text = ask_interpreter(interpreter.executable, program)
    numbers = [int(word) for word in (text or "").split() if word.isdigit()]
    if len(numbers) != 6:
        return None
    return Version(numbers[0], numbers[1], numbers[2]), Version(numbers[3], numbers[4], numbers[5])


# --- installing ------------------------------------------------------------------------------------------------------


def _install(host: ActionHost, wish: Wish, here: Sequence[Interpreter]) -> str | None:
    """Let uv install what fits into the tool cache; None where it did, else why not."""
    request = _as_request(wish)
    uv = _find_uv(host, here)
    if uv is None or request is None or host.environment.get("UV_OFFLINE"):
        return ""
    host.log(f"Asking uv to install Python {request}")
    limit = find_program("timeout", host.environment.get("PATH", ""))
    bounded = [limit, "-k", "5", str(_INSTALL_SECONDS)] if limit else []
    settings = {
        "UV_PYTHON_INSTALL_DIR": os.path.join(host.paths.tool_cache, "uv-python"),
        "UV_PYTHON_INSTALL_BIN": "0",
        "UV_HTTP_TIMEOUT": "30",
        "UV_HTTP_RETRIES": "1",
        "UV_NO_PROGRESS": "1",
    }
    code, output = host.capture(
        [*bounded, uv, "python", "install", request], environment={**host.environment, **settings}
    )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return None if code == 0 else (lines[-1] if lines else f"uv ended with exit code {code}")


def _find_uv(host: ActionHost, here: Sequence[Interpreter]) -> str | None:
    """On the PATH (shims of pyenv aside, which run whatever version they please), or beside one of the Pythons."""
    folders = [folder for folder in host.environment.get("PATH", "").split(os.pathsep) if not folder.endswith("/shims")]
    beside = [os.path.join(each.prefix, "bin") for each in here]
    return find_program("uv", os.pathsep.join([*folders, *beside]))


def _as_request(wish: Wish) -> str | None:
    """A wish in the words of `uv python install`; None for ranges that it does not know."""
    text = re.sub(r"^~(\d+\.\d+)\.0-0$", r"\1", wish.versions).replace(".x", "").strip()
    if wish.pypy:
        return f"pypy@{wish.versions}"
    if _PLAIN.fullmatch(text) is None:
        return None
    request = re.sub(r"\s*,\s*|\s+(?=[<>])", ",", re.sub(r"([<>=])\s+", r"\1", text))
    return f"{request}t" if wish.freethreaded and request[0].isdigit() and not request.endswith("t") else request


def _describe_missing(wish: Wish, here: Sequence[Interpreter], reason: str | None) -> str:
    order = sorted(here, key=lambda each: (bool(each.pypy), each.version.order), reverse=True)
    known = ", ".join(dict.fromkeys(each.label for each in order)) or "none"
    lines = [
        f"The version '{wish.text}' with architecture '{machine_architecture()}' was not found on this machine.",
        f"These Pythons are here: {known}.",
    ]
    if reason:
        lines.append(f"uv could not install it: {reason}")
    request = _as_request(wish) or wish.text
    lines.append(f"To install it: uv python install {request} (or pyenv install, or the system's packages).")
    return "\n".join(lines)
