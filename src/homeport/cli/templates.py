"""The workflows that `homeport init` starts a repository with: those of the example projects, and what of them is the examples' own."""

import os
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A set of workflows. `words` are names of the example project that stand in them, and what each means."""

    name: str
    summary: str
    words: Mapping[str, str]


TEMPLATES = (
    Template(
        name="sdk",
        summary="a library: lint, tests on three Pythons, coverage, build, publish on release, manual to S3",
        words={
            "villa_backend_sdk": "the name of the package, as it is imported",
            "villa": "the command that the package installs",
        },
    ),
    Template(
        name="plugin",
        summary="a pytest plugin: nine-way matrix, pre-commit, releases by tag, security scans, merging of updates",
        words={
            "pytest-test-categories": "the name of the distribution",
            "@plugin-owner": "who owns the code",
        },
    ),
    Template(
        name="shop",
        summary="a web application: quality, tests with PostgreSQL and localstack, scans, image, deployments",
        words={"shop": "the name of the application: package, database, image"},
    ),
    Template(
        name="timetracker",
        summary="a web application with migrations: tests by level, images, development and release builds",
        words={"timetracker": "the name of the application: database, image"},
    ),
)


class Adaptation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a new repository has to make its own: where it is first met, what stands there and what is to be done."""

    file: str
    line: int
    text: str
    what: str


_PATH = re.compile(r"(?<![\w./>-])(?<!> )((?:[\w-]+/)*(?:[\w-]+\.(?:py|sh)|pyproject\.toml|requirements[\w-]*\.txt))\b")
_SETTING = re.compile(r"\b(secrets|vars)\.([A-Za-z_]\w*)")
_GIVEN = frozenset({"GITHUB_TOKEN"})


def read_files(template: Template) -> dict[str, str]:
    """The files by their path in the repository. An installed Homeport has them in its package; a working copy of it in `examples`."""
    return dict(sorted(_read_folder(_find_folder(template.name), ".github")))


def _read_folder(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        inner = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _read_folder(entry, inner)
        else:
            yield inner, entry.read_text(encoding="utf-8")


def _find_folder(name: str) -> Traversable:
    packaged = files("homeport") / "templates" / name
    if packaged.is_dir():
        return packaged
    return files("homeport") / ".." / ".." / "examples" / name / ".github"


def choose_template(project: str) -> tuple[str, str]:
    """The template that fits a repository best, and why; `project` is the text of its `pyproject.toml`, if it has one."""
    for mark, name, why in (
        ("pytest11", "plugin", "pyproject.toml registers a pytest plugin"),
        ("fastapi", "shop", "pyproject.toml names FastAPI"),
        ("flask", "timetracker", "pyproject.toml names Flask"),
    ):
        if mark in project.lower():
            return name, why
    return "sdk", "it fits any Python package"


def list_adaptations(template: Template, written: Mapping[str, str], folder: str) -> Iterator[Adaptation]:
    """What has to be looked at in the written workflows of a repository: each once, at its first place."""
    seen: set[str] = set()
    for file, text in written.items():
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            for found, what in _look(template, line, folder):
                if found not in seen:
                    seen.add(found)
                    yield Adaptation(file=file, line=number, text=found, what=what)


def _look(template: Template, line: str, folder: str) -> Iterator[tuple[str, str]]:
    for word, meaning in template.words.items():
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line):
            yield word, f"of the example: {meaning}"
    for path in _PATH.findall(line):
        if not os.path.exists(os.path.join(folder, path)):
            yield path, "a file that this repository does not have"
    for kind, name in _SETTING.findall(line):
        if name not in _GIVEN:
            what = "a secret to set (homeport run --secret)" if kind == "secrets" else "a variable to set (--var)"
            yield f"{kind}.{name}", what
