"""Builds small committed repositories with workflows in them, for scenarios over the real command line."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; its output."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **GIT_ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def init_repository(folder: Path) -> None:
    """An empty repository whose branch is `main`."""
    git(folder, "init", "-q", "-b", "main")


def commit_all(folder: Path, message: str) -> str:
    """Commit everything in the folder; the commit's sha."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def make_repository(
    parent: Path, workflows: str | Mapping[str, str], *, files: Mapping[str, str] | None = None, name: str = "project"
) -> Path:
    """A committed repository below `parent`: one workflow (`ci.yml`) or several by name, and other files. Texts may be indented."""
    folder = parent / name
    named = {"ci.yml": workflows} if isinstance(workflows, str) else workflows
    for path, text in {f".github/workflows/{file}": text for file, text in named.items()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(text))
    for path, text in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(text))
    init_repository(folder)
    commit_all(folder, "begin")
    return folder
