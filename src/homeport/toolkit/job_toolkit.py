"""What one job is given to call the services with."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from homeport.tokens.keys import SecretKey
from homeport.toolkit.jobs import OpenJob, list_cache_scopes

GATE_HOST = "homeport.localhost"
"""The client packages take any server for an enterprise's own (and refuse to work, or fall back to an older protocol) but github.com,
`*.ghe.com` and `*.localhost`."""
_SPARE_SECONDS = 3600
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class IdentitySource(msgspec.Struct, frozen=True):
    """Where else a job gets identity tokens, and by which token; an empty one: it gets none."""

    url: str
    token: str


class LocalJob:
    """A `JobToolkit`. The runtime token is signed when it is first needed: jobs without JavaScript never need it."""

    def __init__(
        self,
        job: OpenJob,
        key: SecretKey,
        opened_at: datetime,
        authority: str,
        on_close: Callable[[OpenJob], None],
        identity: IdentitySource | None = None,
    ) -> None:
        self._job = job
        self._key = key
        self._opened_at = opened_at
        self._host, _, self._port = authority.partition(":")
        self._on_close = on_close
        self._identity = identity
        self._lock = threading.Lock()
        self._runtime_token = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those that there are by now. Of the runtime token it is the signature, without which the rest is worth nothing: looking for
        all the forms of a text so long takes 15 ms to prepare.
        """
        signature = self._runtime_token.rpartition(".")[2]
        return tuple(token for token in (self._job.token, self._job.identity_token, signature) if token)

    @property
    def token(self) -> str:
        """Random, and known to nobody else."""
        return self._job.token

    @property
    def address(self) -> str:
        """On loopback."""
        return self._address(self._host)

    @property
    def variables(self) -> Mapping[str, str]:
        """For processes of this machine."""
        return self._describe(self._host)

    def variables_at(self, host: str) -> Mapping[str, str]:
        """For processes elsewhere."""
        return {**self._describe(host), **self._describe_identity(host)}

    @property
    def identity_variables(self) -> Mapping[str, str]:
        """For all steps."""
        return self._describe_identity(self._host)

    def close(self) -> None:
        """Its tokens are dead, its uploads are gone."""
        self._on_close(self._job)

    def _address(self, host: str) -> str:
        return f"http://{host}:{self._port}"

    def _describe(self, host: str) -> dict[str, str]:
        base = self._address(host)
        variables = {
            "ACTIONS_CACHE_SERVICE_V2": "true",
            "ACTIONS_CACHE_URL": f"{base}/",
            "ACTIONS_ORCHESTRATION_ID": self._orchestration_id(),
            "ACTIONS_RESULTS_URL": f"{base}/",
            "ACTIONS_RUNTIME_TOKEN": self._sign(),
            "ACTIONS_RUNTIME_URL": f"{base}/",
        }
        if not self._job.given_token:
            variables.update(GITHUB_API_URL=f"{base}/api/v3", GITHUB_GRAPHQL_URL=f"{base}/api/graphql")
        if not is_let_through(str(self._job.order.github.get("server_url") or "")):
            variables["GITHUB_SERVER_URL"] = self._address(GATE_HOST)
        return variables

    def _describe_identity(self, host: str) -> dict[str, str]:
        if self._identity is not None and self._identity.token:
            return {
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._identity.token,
                "ACTIONS_ID_TOKEN_REQUEST_URL": self._identity.url,
            }
        if not self._job.identity_token:
            return {}
        return {
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._job.identity_token,
            # clients add `&audience=…`
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self._address(host)}/oidc/token?api-version=2.0",
        }

    def _sign(self) -> str:
        with self._lock:
            if not self._runtime_token:
                self._runtime_token = self._key.sign(self._make_claims())
            return self._runtime_token

    def _make_claims(self) -> dict[str, object]:
        """`scp` and `ac` as GitHub's tokens have them: text, the second of them JSON."""
        job, leg = self._job, self._job.order.leg
        now = int(self._opened_at.timestamp())
        minutes = leg.timeout_minutes + leg.cancel_timeout_minutes
        scopes = [{"Scope": ref, "Permission": permission} for ref, permission in list_cache_scopes(job.order.github)]
        return {
            "ac": msgspec.json.encode(scopes).decode(),
            "exp": now + int(minutes * 60) + _SPARE_SECONDS,
            "iat": now,
            "jti": job.id,
            "nbf": now,
            "scp": f"Actions.Results:{job.run}:{job.backend_id}",
        }

    def _orchestration_id(self) -> str:
        """`<plan>.<job>.<leg>`, the last `__default` for a job without a matrix; the plan is a UUID."""
        leg = self._job.order.leg
        digits = f"{int(self._job.run) if self._job.run.isdigit() else 0:020x}{self._job.attempt:012x}"
        plan = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        name = "__default" if leg.matrix is None else f"__matrix_{leg.index}"
        return ".".join((plan, _tame(leg.job_id), name))


def is_let_through(server_url: str) -> bool:
    """Whether the client packages take a server for GitHub (`isGhes` in their `config.ts`)."""
    host = server_url.partition("://")[2].partition("/")[0].partition(":")[0].lower()
    return host == "github.com" or host.endswith((".ghe.com", ".localhost"))


def _tame(text: str) -> str:
    return "".join(character if character in _SAFE else "_" for character in text)
