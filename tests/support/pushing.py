"""People with tokens on a served server, and repositories that are pushed to it by git itself."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from homeport.ports.access import Role
from homeport.ports.people import Scope, Token
from homeport.server.credentials import PERSONAL, digest_of, make_credential
from homeport.store.tables.database import Database
from homeport.store.tables.people import TablePeople

WHOLE: frozenset[Scope] = frozenset({"read", "write", "admin"})


def make_person(
    folder: Path,
    login: str,
    *,
    is_administrator: bool = False,
    roles: Mapping[str, Role] | None = None,
    scopes: frozenset[Scope] = WHOLE,
    database_url: str = "",
) -> str:
    """A person in a server's database (the one in its folder, unless another is named), as `homeport user` and `homeport token` make them; gives a token of theirs."""
    database = Database(database_url or f"sqlite:///{folder / 'homeport.db'}")
    try:
        people = TablePeople(database)
        at = datetime.now(UTC)
        user = people.find(login) or people.add(login, name=login, is_administrator=is_administrator, at=at)
        for target, role in (roles or {}).items():
            people.set_role(user.id, target, role)
        token = make_credential(PERSONAL)
        people.add_token(Token(id=0, user=user.id, name="test", scopes=scopes, created_at=at), digest_of(token))
        return token
    finally:
        database.close()


class Checkout:
    """A working tree of a test's, with a remote."""

    def __init__(self, folder: Path, url: str, login: str = "", token: str = "") -> None:
        self.folder = folder
        self.url = url
        self.environment: dict[str, str] = {}
        """what git is told beside the test's own environment"""
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        scheme, _, rest = url.partition("://")
        credentials = f"{login}:{token}@" if token else ""
        self.git("remote", "add", "origin", f"{scheme}://{credentials}{rest}")

    def git(self, *words: str, fails: bool = False) -> str:
        """What git prints; the other outcome than the expected one fails the test."""
        done = subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words],
            cwd=self.folder,
            env={
                **os.environ,
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                **self.environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def commit(self, files: Mapping[str, str], message: str = "A change") -> str:
        """Write the files and commit them; gives the commit's id."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, *words: str, fails: bool = False) -> str:
        """`git push`; main where nothing else is named."""
        return self.git("push", "--quiet", "origin", *(words or ("main",)), fails=fails)

    def try_push(self) -> bool:
        """Whether main is pushed; another outcome is no failure of the test."""
        try:
            self.push()
        except AssertionError:
            return False
        return True
