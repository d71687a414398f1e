"""A PostgreSQL server for tests of what the product's own server keeps in one: the newest of the machine, or the one that a wheel brings.

It listens on a socket in a folder of its own, and forgets everything: nothing is flushed to the disk.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from homeport.runner.services.programs import Search
from tests.support.parts import require_module

_OWNER = "nobody" if os.geteuid() == 0 else None
"""PostgreSQL refuses to be root's"""


class PostgreSQL:
    """A running server; each test makes databases of its own in it."""

    def __init__(self, programs: str, folder: Path) -> None:
        self._programs = Path(programs)
        self._folder = folder
        self._count = 0
        self._environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", f"{folder}/data", "-U", "homeport", "--auth=trust", "--no-sync", "--encoding=UTF8")

    def start(self) -> None:
        """Until it takes connections. Also once more, after `kill`."""
        settings = ("listen_addresses=", f"unix_socket_directories={self._folder}", "fsync=off", "max_connections=200")
        words = [str(self._programs / "postgres"), "-D", f"{self._folder}/data", *(f"--{each}" for each in settings)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, env=self._environment, stdout=log, stderr=log, user=_OWNER)
        waiting = ("pg_isready", "--host", str(self._folder), "--username", "homeport", "--quiet")
        while subprocess.run([self._programs / waiting[0], *waiting[1:]], check=False).returncode != 0:
            assert self._process.poll() is None, (self._folder / "log").read_text()

    def kill(self) -> None:
        """All of it at once: its own way to do so is an immediate shutdown."""
        self._end("QUIT")

    def stop(self) -> None:
        """And take away what it kept."""
        self._end("INT")
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_database(self) -> str:
        """An empty one; gives its address."""
        self._count += 1
        name = f"test{self._count}"
        self.query(f"CREATE DATABASE {name}", "postgres")
        return f"postgresql+psycopg://homeport@/{name}?host={self._folder}"

    def query(self, statement: str, database: str) -> str:
        """What the client prints."""
        return self._ask("psql", "-AtX", "-v", "ON_ERROR_STOP=1", "-c", statement, database).strip()

    def dump(self, url: str) -> str:
        """A database's tables and rows, as statements."""
        return self._ask("pg_dump", _name_of(url))

    def load(self, url: str, statements: Path) -> None:
        """What a dump says, into an empty database."""
        self._ask("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", str(statements), _name_of(url))

    def _ask(self, program: str, *arguments: str) -> str:
        words = [str(self._programs / program), "-h", str(self._folder), "-U", "homeport", *arguments]
        done = subprocess.run(words, check=False, capture_output=True, text=True, env=self._environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _end(self, signal: str) -> None:
        if self._process is not None:
            subprocess.run(["kill", f"-{signal}", str(self._process.pid)], check=True)
            self._process.wait()
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            capture_output=True,
            env=self._environment,
            user=_OWNER,
        )


@cache
def postgresql() -> PostgreSQL:
    """One for all tests of this process, which end it. Skips the calling test where there is none."""
    require_module("psycopg")
    found = [each for each in Search(path=os.environ["PATH"]).list_postgres() if _can_run(f"{each}/postgres")]
    if not found:
        pytest.skip("PostgreSQL is not on this machine: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="hp-pg-"))
    if _OWNER:
        shutil.chown(folder, _OWNER)
    server = PostgreSQL(found[0], folder)
    server.start()
    atexit.register(server.stop)
    return server


def _can_run(program: str) -> bool:
    """A wheel in root's home is nobody else's to run."""
    try:
        return subprocess.run([program, "--version"], user=_OWNER, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _name_of(url: str) -> str:
    return urlsplit(url).path.strip("/")
