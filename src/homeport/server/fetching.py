"""Brings the commits of a forge's repository here: from the address that an administrator gave it, and from nowhere else.

Only HTTP is spoken, redirects are not followed, and an address inside (loopback, a private network, link-local) is asked only where the
server's settings name its host: otherwise whoever may name a forge could have this server ask its neighbours. The address that was
looked at is the one that is asked, whatever the name stands for a moment later.
"""

import base64
import ipaddress
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from homeport.git.hosted import make_hosted
from homeport.git.process import GitError
from homeport.git.remote import RemoteGit, RemoteGitError, RemoteGitStoppedError
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import CloneCredential
from homeport.store.data_folder import DataFolder

Answer = TypeVar("Answer")

_PORTS = {"http": 80, "https": 443}


class FetchError(Exception):
    """Nothing could be fetched. `may_pass`: it is worth trying again. `is_no_ref`: something of what was named is not there."""

    def __init__(self, message: str, *, may_pass: bool, is_no_ref: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        self.is_no_ref = is_no_ref


class Fetcher:
    """Safe from any thread: it keeps nothing. `internal_hosts` may be asked although their addresses are inside; `find_credential` gives
    what git shows.
    """

    def __init__(
        self,
        folder: DataFolder,
        environment: Mapping[str, str],
        *,
        internal_hosts: Collection[str],
        find_credential: Callable[[HostedRepository], CloneCredential | None],
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._internal_hosts = {host.lower() for host in internal_hosts}
        self._find_credential = find_credential
        self._is_stopped = is_stopped

    def fetch(
        self,
        repository: HostedRepository,
        refs: Sequence[str],
        *,
        optional: Sequence[str] = (),
        are_likely: bool = False,
    ) -> None:
        """Bring full refs and full ids of commits; of the optional ones those that there are: the forge is asked for these first, unless
        all `are_likely` to be there. Raises `FetchError`.
        """
        git_dir = self._folder.repository(repository.id)
        try:
            make_hosted(git_dir, repository.default_branch)
        except GitError as error:
            raise FetchError(str(error), may_pass=True) from error
        git = self._open(repository)
        wanted = list(dict.fromkeys(refs))

        def bring(names: Sequence[str]) -> None:
            self._ask(lambda: git.fetch_refs(repository.clone_url, [_refspec(name) for name in names], git_dir))

        if are_likely:
            try:
                bring(list(dict.fromkeys([*wanted, *optional])))
            except FetchError as error:
                if not error.is_no_ref:
                    raise
            else:
                return
        if optional:
            wanted += self._ask(lambda: list(git.list_refs(repository.clone_url, optional)))
        if wanted:
            bring(wanted)

    def list_refs(self, repository: HostedRepository) -> dict[str, str]:
        """All branches and tags as they are at the forge. Raises `FetchError`."""
        git = self._open(repository)
        return self._ask(lambda: git.list_refs(repository.clone_url, ("refs/heads/*", "refs/tags/*")))

    def _open(self, repository: HostedRepository) -> RemoteGit:
        settings = {"http.followRedirects": "false", "http.curloptResolve": self._pin(repository.clone_url)}
        credential = self._find_credential(repository)
        if credential is not None:
            shown = base64.b64encode(f"{credential.user}:{credential.password}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {shown}"
        return RemoteGit(self._environment, self._is_stopped, settings)

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except RemoteGitError as error:
            may_pass = error.trouble in {"unreachable", "failed"}
            raise FetchError(str(error), may_pass=may_pass, is_no_ref=error.trouble == "no-ref") from error
        except RemoteGitStoppedError as error:
            raise FetchError("the server is about to end", may_pass=True) from error

    def _pin(self, url: str) -> str:
        """`host:port:address`, so that git asks the address that was looked at. Raises `FetchError`."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password or url.startswith("-"):
            raise FetchError(f"{url!r} cannot be fetched from: https://host/owner/name.git is expected", may_pass=False)
        port = parts.port or _PORTS[parts.scheme]
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise FetchError(f"{parts.hostname} has no address: {error.strerror}", may_pass=True) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if parts.hostname.lower() not in self._internal_hosts:
            inside = [address for address in addresses if not ipaddress.ip_address(address.partition("%")[0]).is_global]
            if inside:
                raise FetchError(
                    f"{parts.hostname} is inside ({inside[0]}): name it with --internal-forge to have it asked",
                    may_pass=False,
                )
        return f"{parts.hostname}:{port}:{','.join(_bracket(address) for address in addresses)}"


def _bracket(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _refspec(wanted: str) -> str:
    """A ref keeps its name; a commit that no ref leads to any more is kept under its own."""
    return f"+{wanted}:{wanted}" if wanted.startswith("refs/") else f"+{wanted}:refs/homeport/commits/{wanted}"
