"""The server's own runner: a process of its own that outlives the server, found again by the next one.

Each such process has a folder, `runner/<number>` in the data folder, and holds the lock in it while it lives:

    recipe.json   what it was told: the version of Homeport, how many jobs, which executor
    token         by which the server knows it
    process       its number
    lock · log · spool/

A server that starts keeps the process that was told what it would tell it too. Any other is asked to retire: it takes no more jobs,
finishes those it has, and goes. What a process that died had to say is said by another that is started in its folder.
"""

import hmac
import os
import secrets as randomness
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping

import msgspec

from homeport.cli.runner_health import RunnerHealth
from homeport.coordinator.dispatch import Labels
from homeport.coordinator.lease_board import RunnerProfile
from homeport.ports.clock import Clock
from homeport.runner.environment import pick_variables
from homeport.store.data_folder import DataFolder
from homeport.store.folder import is_held, listed, make_folder, read_file, remove_tree, unlink, write_file

_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 2.0
"""between two starts, at least"""
_LAST_BYTES = 4000
_FROM_HOST = ("HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "DOCKER_HOST", "XDG_RUNTIME_DIR")
"""What a runner needs to know besides what jobs may see."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner process is told."""

    version: str
    data: str
    url: str
    """of the server, as jobs and people know it"""
    parallel: int
    executor: str
    """`process` or `sandbox`"""
    keep_failed_minutes: int = 0
    """how long the folders of failed jobs are kept"""


class RunnerFolder(msgspec.Struct, frozen=True):
    """The folder of one runner process."""

    path: str

    @property
    def id(self) -> str:
        """What the server calls the runner."""
        return f"builtin-{os.path.basename(self.path)}"

    def file(self, name: str) -> str:
        """One of its files."""
        return os.path.join(self.path, name)

    @property
    def is_alive(self) -> bool:
        """Whether the process lives."""
        try:
            descriptor = os.open(self.file("lock"), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return is_held(descriptor)
        finally:
            os.close(descriptor)

    def read_recipe(self) -> Recipe | None:
        """None where it cannot be read: another version's."""
        try:
            return msgspec.json.decode(read_file(self.file("recipe.json")) or b"", type=Recipe)
        except msgspec.DecodeError:
            return None

    def read_token(self) -> str:
        """By which the server knows the runner; empty where there is none."""
        return (read_file(self.file("token")) or b"").decode()

    def write_process(self, number: int) -> None:
        """The number of the process that lives here now."""
        unlink(self.file("process"))
        write_file(self.file("process"), str(number).encode())

    def remove(self) -> None:
        """All has been said. Under another name first, so that nobody takes half a folder for a runner's."""
        gone = os.path.join(os.path.dirname(self.path), f"gone-{os.path.basename(self.path)}-{os.getpid()}")
        os.rename(self.path, gone)
        remove_tree(gone)

    def read_last_words(self) -> str:
        """The end of what the process has said, which is its reason where it died."""
        try:
            with open(self.file("log"), "rb") as log:  # noqa: PTH123 - as everywhere in cli
                log.seek(max(0, os.fstat(log.fileno()).st_size - _LAST_BYTES))
                return log.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""

    @property
    def is_retiring(self) -> bool:
        """Whether it takes no more jobs."""
        return os.path.exists(self.file("retiring"))

    def retire(self) -> None:
        """Ask a living process to take no more jobs and to go when it has none."""
        number = (read_file(self.file("process")) or b"").strip()
        if number.isdigit() and self.is_alive:
            try:
                os.kill(int(number), signal.SIGTERM)
            except ProcessLookupError:
                return


class BuiltinRunner:
    """A `BackgroundPart`: sees to it that the runner lives. `environment` is the server's; the runner gets the harmless part of it."""

    def __init__(
        self, folder: DataFolder, recipe: Recipe, labels: Labels, environment: Mapping[str, str], clock: Clock
    ) -> None:
        self._folder = folder
        self._recipe = recipe
        self._labels = labels
        self._environment = environment
        self._clock = clock
        self._tokens: dict[str, bytes] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._retired: set[str] = set()
        self._not_before = 0.0
        self._health = RunnerHealth(clock)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="builtin-runner")
        for each in self._list():
            self._tokens[each.id] = each.read_token().encode()

    def find_runner(self, token: str) -> RunnerProfile | None:
        """The runner that shows this token."""
        shown = token.encode()
        for runner, own in list(self._tokens.items()):
            if own and hmac.compare_digest(own, shown):
                return RunnerProfile(runner, self._labels)
        return None

    @property
    def problem(self) -> str | None:
        """Why jobs wait for a runner that does not come, in words for everybody; None where it comes."""
        return self._health.problem

    def gauges(self) -> Iterable[tuple[str, str, float]]:
        """What metrics say of it."""
        yield "runners", "Processes of the built-in runner that live", sum(each.is_alive for each in self._list())
        yield "runner_deaths_total", "Processes of the built-in runner that ended by a fault", self._health.deaths

    def start(self) -> None:
        """Keep or start the runner, and what is needed for those that are there besides. What is in the way is tried again."""
        self._look_safely()
        self._thread.start()

    def stop(self) -> None:
        """Let it retire: what runs goes on to its end, which the next server hears of."""
        self._stopped.set()
        self._thread.join()
        for each in self._list():
            if each.id not in self._children:
                each.retire()
        for child in self._children.values():  # also one that has not said yet that it is there
            child.terminate()

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            self._look_safely()

    def _look_safely(self) -> None:
        """A full disk, or a folder that was tampered with, may be in order later; a fault must not end the thread."""
        try:
            self._look()
        except Exception as error:  # the edge of the thread: it is said once, and by `problem`, not at every look
            self._health.note_failure(error)
        else:
            self._health.note_look(self._children)

    def _list(self) -> list[RunnerFolder]:
        names = sorted((name for name in listed(self._folder.runner) if name.isdigit()), key=int)
        return [RunnerFolder(os.path.join(self._folder.runner, name)) for name in names]

    def _look(self) -> None:
        """One look at all processes: exactly one is to be there that was told what this server tells, and takes jobs."""
        self._note_ends()
        dead: list[RunnerFolder] = []
        has_current = self._recipe.parallel == 0
        for each in self._list():
            if each.id not in self._children and not each.is_alive:
                dead.append(each)
            elif each.is_retiring:
                continue
            elif not has_current and each.read_recipe() == self._recipe:
                has_current = True
            elif each.id not in self._retired:
                self._retired.add(each.id)
                each.retire()
        if self._clock.monotonic() < self._not_before:
            return
        for each in dead:
            self._launch(each, self._recipe if not has_current else msgspec.structs.replace(self._recipe, parallel=0))
            has_current = True
        if not has_current:
            self._launch(self._make(), self._recipe)

    def _note_ends(self) -> None:
        for runner, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[runner]
                if child.returncode:
                    folder = RunnerFolder(os.path.join(self._folder.runner, runner.removeprefix("builtin-")))
                    self._health.note_death(runner, child.returncode, folder.read_last_words())
                    self._not_before = max(self._not_before, self._clock.monotonic() + self._health.pause_seconds)

    def _make(self) -> RunnerFolder:
        taken = [int(os.path.basename(each.path)) for each in self._list()]
        folder = RunnerFolder(os.path.join(self._folder.runner, str(max(taken, default=0) + 1)))
        make_folder(folder.path)
        return folder

    def _launch(self, folder: RunnerFolder, recipe: Recipe) -> None:
        """A process of its own session: what ends the server does not end it."""
        self._not_before = self._clock.monotonic() + _RETRY_SECONDS
        self._retired.discard(folder.id)
        if folder.id not in self._tokens or not self._tokens[folder.id]:
            self._tokens[folder.id] = randomness.token_urlsafe(32).encode()
        for name, content in (("token", self._tokens[folder.id]), ("recipe.json", msgspec.json.encode(recipe))):
            unlink(folder.file(name))
            write_file(folder.file(name), content)
        unlink(folder.file("retiring"))
        harmless = {name: self._environment[name] for name in _FROM_HOST if name in self._environment}
        with open(folder.file("log"), "ab", opener=_open_private) as log:
            self._children[folder.id] = subprocess.Popen(
                [sys.executable, "-P", "-m", "homeport.cli.runner_process", folder.path],
                cwd=self._folder.path,
                env={**harmless, **pick_variables(self._environment)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._health.note_start(folder.id)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
