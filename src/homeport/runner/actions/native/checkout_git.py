"""Git as a checkout runs it inside the job, for repositories that are fetched: nobody's settings, hooks, helpers or prompts.

It runs as what the job runs as, so that a hostile repository meets no more than the job itself may. Credentials are handed over in the
environment, for one server only: they are in no command line, and in no file that a failure would leave behind.
"""

import os
from base64 import b64encode
from collections.abc import Sequence

import msgspec

from homeport.ports.toolkit import STAND_IN_PREFIX
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.host import ActionError, ActionHost

_KEPT = frozenset({"PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"})
_FIXED = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
    ("submodule.recurse", "false"),
)
_NOT_ALLOWED = (
    "could not read username",
    "authentication failed",
    "not found",
    "error: 401",
    "error: 403",
    "does not appear to be a git repository",
)


class Remote(msgspec.Struct, frozen=True):
    """Where a repository is: `server` and `url` as the forge has them, and the `address` that is really read."""

    name: str
    """`owner/name`"""
    server: str
    url: str
    address: str

    @property
    def base(self) -> str:
        """What the addresses of other repositories of this place begin with; empty where the address does not tell."""
        end = f"/{self.name}"
        return self.address.removesuffix(end) if self.address.endswith(end) else ""

    @property
    def protocols(self) -> str:
        """What git may speak: that of the address, and encrypted what the repository's submodules may ask for."""
        own = self.address.partition("://")[0] if "://" in self.address else "file"
        return "http:https" if own == "http" else f"{own}:https" if own != "https" else "https"


class JobGit:
    """Git in one folder of the job."""

    def __init__(self, host: ActionHost, remote: Remote, folder: str) -> None:
        self._host = host
        self._remote = remote
        self.folder = folder
        self._environment = _make_environment(host, remote)

    def at(self, folder: str) -> "JobGit":
        """The same for another folder."""
        return JobGit(self._host, self._remote, folder)

    def run(self, *words: str, settings: Sequence[tuple[str, str]] = ()) -> str:
        """Run a command and show it; gives its output. Raises `ActionError`, in git's own words."""
        self._host.log(f"[command]git {' '.join(words)}")
        code, output = self._call(words, settings)
        if output.strip():
            self._host.log(output.rstrip("\n"))
        if code:
            raise ActionError(self._explain(words[0], code, output))
        return output

    def ask(self, *words: str) -> str | None:
        """The output of a command, quietly; None where it fails."""
        code, output = self._call(words, ())
        return output.strip() if code == 0 else None

    def _call(self, words: Sequence[str], settings: Sequence[tuple[str, str]]) -> tuple[int, str]:
        given = [word for key, value in settings for word in ("-c", f"{key}={value}")]
        command = ["git", "--no-pager", *given, *words]
        return self._host.capture(command, environment=self._environment, working_directory=self.folder)

    def _explain(self, command: str, code: int, output: str) -> str:
        lines = [line for line in output.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith(("fatal:", "error:", "Error"))]
        why = (fatal or lines or [""])[0]
        end = f"The process 'git {command}' failed with exit code {code}"
        if any(words in output.lower() for words in _NOT_ALLOWED):
            remote = self._remote
            return f"{why}\n{end}. The repository '{remote.name}' is not at {remote.address}, or the step's 'token' may not read it."
        return f"{why}\n{end}." if why else f"{end}."


def find_token(host: ActionHost) -> str:
    """The step's token, if it is one that somebody gave: what stands in for one here is good for nothing elsewhere."""
    token = get_text(host, "token")
    return "" if token.startswith(STAND_IN_PREFIX) else token


def make_header(host: ActionHost, token: str) -> str:
    """How git says who asks."""
    basic = b64encode(f"x-access-token:{token}".encode()).decode()
    host.mask(basic)
    return f"AUTHORIZATION: basic {basic}"


def _make_environment(host: ActionHost, remote: Remote) -> dict[str, str]:
    settings = list(_FIXED)
    token = find_token(host)
    if token and _origin(remote.address) == _origin(remote.server):
        settings.append((f"http.{_origin(remote.server)}/.extraheader", make_header(host, token)))
    place = remote.server.partition("://")[2]
    settings += [(f"url.{remote.server}/.insteadOf", f"git@{place}:")]
    if remote.address != remote.url:
        settings.append((f"url.{remote.address}.insteadOf", remote.url))
    if remote.base and remote.base != remote.server:
        settings.append((f"url.{remote.base}/.insteadOf", f"{remote.server}/"))
    numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    kept = {
        name: value
        for name, value in host.environment.items()
        if name in _KEPT or name.lower() in {"http_proxy", "https_proxy", "no_proxy", "all_proxy"}
    }
    return {
        **kept,
        **numbered,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": remote.protocols,
        "GIT_LFS_SKIP_SMUDGE": "0" if get_text(host, "lfs").lower() == "true" else "1",
        "LC_ALL": "C",
    }


def _origin(url: str) -> str:
    """Scheme, host and port."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.lower()}://{rest.partition('/')[0].lower()}" if separator else ""
