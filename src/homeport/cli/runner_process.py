"""The process of the server's own runner: started by `cli.builtin_runner`, it outlives the server that started it.

It ends when it was asked to retire (SIGTERM) and has no job left, when its server is away for so long that none will come, or when its
folder is gone.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from homeport.cli.builtin_runner import Recipe, RunnerFolder
from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.execution import Execution
from homeport.cli.isolation import Isolation, NoSandbox, find_bubblewrap
from homeport.cli.job_services import JobServices
from homeport.cli.remains import clear_remains
from homeport.coordinator.dispatch import Labels
from homeport.ports.peer import JobOrder, Peer
from homeport.ports.repositories import StoreError
from homeport.runner.folders import remove_tree
from homeport.runner.http_peer import AwayError, HttpPeer, RefusedError
from homeport.runner.job import JobRunner
from homeport.runner.loop import serve
from homeport.runner.settings import RunnerSettings, Services
from homeport.runner.unix_channel import UnixChannel
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from homeport.store.data_folder import DataFolder
from homeport.store.folder import try_hold, write_file
from homeport.store.kept_workspaces import FolderKeptWorkspaces
from homeport.store.memory import MemoryRuns
from homeport.tokens.keys import SecretKey
from homeport.toolkit.jobs import OpenJobs
from homeport.toolkit.local import LocalToolkit
from homeport.toolkit.parts import Parts

_LOOK_SECONDS = 1.0
_SWEEP_SECONDS = 20.0
"""Between two looks for kept folders whose time is over"""
_MOST_LAST_LOOKS = 60
"""How long jobs may take to end when the data folder is gone"""
_LONGEST_SILENCE_SECONDS = 900.0
"""Without a word from the server, and without a job, for so long: nobody needs this runner. What it has to say stays on disk."""


class HostedSources(msgspec.Struct, frozen=True):
    """The `Sources` of a server's job: the bare repository that the order names."""

    folder: str
    in_place: bool = False
    is_bare: bool = True

    def find_repository(self, repository: str, ref: str) -> str | None:  # noqa: ARG002 - the protocol's names
        """Others are fetched from their servers, with the token of the step."""
        return ""


class HostedJobs:
    """Carries out jobs of many repositories: what differs between them is put in its place for each."""

    def __init__(self, services: Services, settings: RunnerSettings, data: DataFolder, search_path: str) -> None:
        self._services = services
        self._settings = settings
        self._data = data
        self._search_path = search_path

    def run(self, order: JobOrder, peer: Peer) -> None:
        """One job, to its end."""
        services = msgspec.structs.replace(
            self._services,
            sources=HostedSources(order.source),
            caches=open_caches(self._data, str(order.github.get("repository") or ""), self._search_path),
        )
        JobRunner(services, self._settings).run(order, peer)


def open_caches(data: DataFolder, repository: str, search_path: str) -> FolderCaches:
    """The caches of one repository."""
    return FolderCaches(data.path, repository.lower(), SystemClock(), search_path=search_path)


class RunnerProcess:
    """One life of the process."""

    def __init__(self, folder: RunnerFolder, recipe: Recipe, token: str) -> None:
        self._folder = folder
        self._recipe = recipe
        data = DataFolder(recipe.data)
        environment = {**os.environ, "HOMEPORT_HOME": data.runner}
        self._console = Console(environment=environment, folder=data.runner, write=_write_nowhere, say_text=_say_to_log)
        self._channel = UnixChannel(data.runner_socket, token)
        self._peer = HttpPeer(self._channel, folder.file("spool"))
        self._services = make_services(self._console, recipe, data)
        self._kept = FolderKeptWorkspaces(data.runner, SystemClock(), remove=remove_tree)
        settings = RunnerSettings(
            name=os.uname().nodename, on_fault=_note_fault, keep_failed_minutes=recipe.keep_failed_minutes
        )
        services = msgspec.structs.replace(self._services.build(), kept=self._kept)
        self._jobs = HostedJobs(services, settings, data, environment.get("PATH", os.defpath))
        self._retiring = threading.Event()
        self._has_more_to_say = False
        self._sweep_at = 0.0

    def carry_out(self) -> bool:
        """Take jobs until there is a reason to end; says whether everything was heard that there was to say."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._retiring.set())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        crew = threading.Thread(target=self._work, name="jobs-1")
        crew.start()
        self._watch(crew, self._retire)
        closing = threading.Thread(target=self._peer.close, name="close", daemon=True)
        closing.start()
        self._watch(closing, lambda: None)
        self._services.close()
        return not (closing.is_alive() or self._has_more_to_say)

    def _work(self) -> None:
        try:
            self._peer.greet()
            if self._recipe.parallel:
                serve(self._peer, self._jobs, parallel=self._recipe.parallel)
        except RefusedError as error:
            _say_to_log(f"homeport: the server does not know this runner: {error}\n")
        except AwayError:
            self._has_more_to_say = True

    def _watch(self, thread: threading.Thread, retire: Callable[[], None]) -> None:
        """Until the thread ends, or waiting for it makes no sense any more."""
        has_retired = False
        looks_left = _MOST_LAST_LOOKS
        while thread.is_alive():
            if self._retiring.is_set() and not has_retired:
                has_retired = True
                retire()
            thread.join(_LOOK_SECONDS) if has_retired else self._retiring.wait(_LOOK_SECONDS)
            self._sweep()
            if not os.path.exists(self._folder.file("lock")):
                self._peer.give_up()
                self._retiring.set()
                looks_left -= 1
                if not looks_left:
                    return
            elif not self._peer.has_jobs and self._peer.silent_seconds > _LONGEST_SILENCE_SECONDS:
                return

    def _sweep(self) -> None:
        """Now and then."""
        now = time.monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_SECONDS
            with suppress(StoreError):  # the folder may be what is gone
                self._kept.sweep()

    def _retire(self) -> None:
        if not self._folder.is_retiring:
            with suppress(StoreError):  # the folder may be what is gone
                write_file(self._folder.file("retiring"), b"")
        threading.Thread(target=self._peer.stop, name="retire", daemon=True).start()


def make_services(console: Console, recipe: Recipe, data: DataFolder) -> JobServices:
    """What all jobs of the process share. Artifacts and caches are the server's own, in its folder."""
    isolation = Isolation()
    if recipe.executor == "sandbox":
        program = find_bubblewrap(console.environment)
        if isinstance(program, NoSandbox):
            raise SystemExit(f"homeport: the sandbox is gone: {program.reason}")
        isolation = Isolation(default="sandbox", program=program)
    execution = Execution(
        labels=Labels(()),
        missing_runner="fail",
        secrets={},
        parallel=recipe.parallel,
        in_place=False,
        pass_env=(),
        pause_on_failure=False,
        shell_on_failure=False,
        isolation=isolation,
        output="plain",
        recipe={},
    )
    search_path = console.environment.get("PATH", os.defpath)

    def make_toolkit() -> LocalToolkit:
        return make_hosted_toolkit(data, search_path, recipe.url)

    return JobServices(
        console,
        execution,
        data.runner,
        HostedSources(""),
        open_artifacts=lambda: FolderArtifacts(data.path, SystemClock()),
        open_caches=lambda: open_caches(data, "", search_path),
        make_toolkit=make_toolkit,
    )


def make_hosted_toolkit(data: DataFolder, search_path: str, url: str) -> LocalToolkit:
    """The services that actions call, on the server's own stores. The REST interface is the server's, which jobs ask by their `GITHUB_TOKEN`,
    or this process for them; so are identity tokens: this process has no key that could sign any.
    """

    def make_parts(key: SecretKey, jobs: OpenJobs) -> Parts:
        from homeport.cli.server_rest import ServerRest  # noqa: PLC0415 - needed when an action calls

        return Parts(
            artifacts=FolderArtifacts(data.path, SystemClock()),
            caches=lambda repository: open_caches(data, repository, search_path),
            runs=MemoryRuns(),
            clock=SystemClock(),
            uploads_folder=os.path.join(data.runner, "uploads"),
            source="",
            search_path=search_path,
            key=key,
            jobs=jobs,
            ask_server=ServerRest(url),
            on_fault=_note_fault,
        )

    # clients add `&audience=…`
    return LocalToolkit(SystemClock(), make_parts, identity_url=f"{url}/oidc/token?api-version=2.0")


def main(words: Sequence[str]) -> int:
    """`python -m homeport.cli.runner_process <folder>`."""
    folder = RunnerFolder(words[0])
    lock = os.open(folder.file("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    recipe = folder.read_recipe()
    if recipe is None or not try_hold(lock):
        return 1
    folder.write_process(os.getpid())
    faulthandler.register(signal.SIGUSR1)  # where all threads are, into the runner's log
    clear_remains(DataFolder(recipe.data).runner)
    is_heard = RunnerProcess(folder, recipe, folder.read_token()).carry_out()
    if is_heard and os.path.isdir(folder.path):
        folder.remove()
    return 0


def _note_fault(error: Exception) -> None:
    _say_to_log("".join(traceback.format_exception(error)))


def _say_to_log(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _write_nowhere(_: bytes) -> None:
    """Nobody reads it."""


if __name__ == "__main__":
    code = 1
    try:
        code = main(sys.argv[1:])
    except Exception as error:  # the edge of this process
        _note_fault(error)
    finally:
        os._exit(code)  # threads that wait for a server that is away are not waited for
