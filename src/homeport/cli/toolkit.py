"""Opens the services that actions call, for the runs of one invocation."""

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.home import find_home
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.repositories import RunRepository
from homeport.tokens.keys import SecretKey
from homeport.toolkit.jobs import OpenJobs
from homeport.toolkit.local import LocalToolkit

if TYPE_CHECKING:
    from homeport.toolkit.parts import Parts

ISSUER, ISSUER_KEY = "HOMEPORT_ISSUER", "HOMEPORT_ISSUER_KEY"
"""Environment variables: the `iss` of identity tokens, and the file of the private key that signs them."""


def make_toolkit(
    console: Console,
    runs: RunRepository,
    open_artifacts: Callable[[], object],
    open_caches: Callable[[], object],
    *,
    source: str,
    on_fault: Callable[[Exception], None],
) -> LocalToolkit:
    """The services, of which nothing runs yet. What they stand on is made when somebody calls them.

    Raises `OSError` for an issuer that cannot be used.
    """
    environment, clock = console.environment, SystemClock()
    address, key_file = environment.get(ISSUER, ""), environment.get(ISSUER_KEY, "")
    if address and not address.startswith(("https://", "http://")):
        raise OSError(errno.EINVAL, f"{ISSUER} is no address, expected https://…", address)
    pem = _read(os.path.join(console.folder, key_file)) if key_file else None

    def make_parts(key: SecretKey, jobs: OpenJobs) -> "Parts":
        from homeport.toolkit.parts import Issuer, Parts  # noqa: PLC0415 - needed when somebody calls

        caches = cast("CacheStore", open_caches())
        return Parts(
            artifacts=cast("ArtifactStore", open_artifacts()),
            caches=lambda _: caches,
            runs=runs,
            clock=clock,
            uploads_folder=os.path.join(find_home(environment), "uploads"),
            source=source,
            search_path=environment.get("PATH", os.defpath),
            key=key,
            jobs=jobs,
            issuer=Issuer(address.rstrip("/"), pem) if address else Issuer(key=pem),
            on_fault=on_fault,
        )

    return LocalToolkit(clock, make_parts)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
        return file.read()
