"""What unmodified actions find at the other end of `ACTIONS_RUNTIME_URL` and its siblings, as a job's runner sees it."""

from collections.abc import Mapping
from typing import Protocol

from homeport.ports.peer import JobOrder

STAND_IN_PREFIX = "homeport_"
"""What every token begins with that stands in for `GITHUB_TOKEN`: so it can be told, and is never sent to anybody else"""


class JobToolkit(Protocol):
    """The services of one job: its own tokens, which die with it. Used by all threads of the job."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked in the job's output: tokens, or what makes them good. One more may be among them once `variables` was asked for."""
        ...

    @property
    def token(self) -> str:
        """What stands in for `GITHUB_TOKEN` where the user gave none: good for this job's own services, by its `permissions`."""
        ...

    @property
    def variables(self) -> Mapping[str, str]:
        """What the processes of actions (JavaScript and containers) get: `ACTIONS_RUNTIME_URL`, `ACTIONS_RUNTIME_TOKEN`, and so on."""
        ...

    def variables_at(self, host: str) -> Mapping[str, str]:
        """The same, the identity's included, for processes that know this machine by another address: a container's. Somebody must
        listen there (`Toolkit.listen_on`).
        """
        ...

    @property
    def address(self) -> str:
        """Where the services are for processes of this machine: the scheme, host and port. Git finds the run's repository there too."""
        ...

    @property
    def identity_variables(self) -> Mapping[str, str]:
        """`ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`, for all steps of a job with `id-token: write`; empty for others."""
        ...

    def close(self) -> None:
        """The job has ended: its tokens are good for nothing from now on."""
        ...


class Toolkit(Protocol):
    """Thread-safe. Cheap until somebody really calls: what carries the services is started then."""

    def open(
        self, order: JobOrder, given_token: str = "", identity_token: str = "", server_token: str = ""
    ) -> JobToolkit:
        """Prepare for a job; `given_token` is the user's own `GITHUB_TOKEN`, `identity_token` what the job's server knows it by when it
        asks for identity tokens, `server_token` by which that server's REST interface is asked for it. Raises `OSError` where nothing can
        listen.
        """
        ...

    def listen_on(self, host: str) -> None:
        """Be there at another address of this machine too (that of a bridge), at the same port. To be called when a job is open; safe to
        repeat. Raises `OSError`.
        """
        ...

    def close(self) -> None:
        """Nothing is served any more; what was not complete is removed."""
        ...
