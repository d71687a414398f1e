"""What the files of one repository know of one another: the local actions and the called workflows, each read once."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.calls import Loaded
from homeport.language.local_reference import resolve_local
from homeport.language.nodes import Action
from homeport.language.parser.action import parse_action
from homeport.language.parser.workflow import parse_workflow

_METADATA = ("action.yml", "action.yaml")


class Files(Protocol):
    """The files of one repository, by their paths below its root with forward slashes. Both methods may be called in any order."""

    def read(self, path: str) -> str | bytes | None:
        """The content of a file; None where there is none that can be read."""
        ...

    def has(self, path: str) -> bool | None:
        """Whether a file is there; None where that is not known."""
        ...


class GivenFiles:
    """Files that were read before. Whether there are others is asked of `others`; without it that is not known."""

    def __init__(self, texts: Mapping[str, str | bytes], others: Files | None = None) -> None:
        self._texts = texts
        self._others = others

    def read(self, path: str) -> str | bytes | None:
        """See `Files`."""
        text = self._texts.get(path)
        return self._others.read(path) if text is None and self._others is not None else text

    def has(self, path: str) -> bool | None:
        """See `Files`."""
        if path in self._texts:
            return True
        return None if self._others is None else self._others.has(path)


class LocalAction(msgspec.Struct, frozen=True):
    """An action of the repository, as far as its metadata could be read. One that is only a Dockerfile has no action and no mistake."""

    file: str
    """its `action.yml`, or its Dockerfile where it has none"""
    action: Action | None
    diagnostics: tuple[Diagnostic, ...] = ()


class Project:
    """The workflows and actions of one repository. Nothing is read before it is asked for, and nothing twice."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._workflows: dict[str, Loaded | None] = {}
        self._actions: dict[str, tuple[Action | None, list[Diagnostic]] | None] = {}
        self._lines: dict[str, list[str]] = {}

    def read_workflow(self, path: str) -> Loaded | None:
        """A workflow file with what is wrong with it; None where there is no such file."""
        if path not in self._workflows:
            text = self._files.read(path)
            self._workflows[path] = None if text is None else parse_workflow(text, path)
        return self._workflows[path]

    def read_action(self, path: str) -> tuple[Action | None, list[Diagnostic]] | None:
        """An action file with what is wrong with it; None where there is no such file."""
        if path not in self._actions:
            text = self._files.read(path)
            self._actions[path] = None if text is None else parse_action(text, path)
        return self._actions[path]

    def load_call(self, reference: str) -> Loaded | None:
        """A called workflow by its qualified reference (`calls.qualify_call`): those of this repository only."""
        path = resolve_local(reference)
        return None if path is None else self.read_workflow(path)

    def find_action(self, uses: str) -> LocalAction | None:
        """The action that `uses` names, where it is one of this repository's."""
        folder = resolve_local(uses)
        if folder is None:
            return None
        for name in _METADATA:
            file = join(folder, name)
            read = self.read_action(file)
            if read is not None:
                return LocalAction(file, read[0], tuple(read[1]))
        file = join(folder, "Dockerfile")
        return LocalAction(file, None) if self.has(file) else None

    def lacks_action(self, uses: str) -> bool:
        """Whether `uses` names an action of this repository that is surely not there."""
        folder = resolve_local(uses)
        names = (*_METADATA, "Dockerfile")
        return folder is not None and all(self.has(join(folder, name)) is False for name in names)

    def has(self, path: str) -> bool | None:
        """Whether the repository has a file; None where that is not known."""
        return self._files.has(path)

    def text(self, path: str) -> str:
        """The text of a file as the YAML reader sees it; empty where there is no such file."""
        text = self._files.read(path) or ""
        if isinstance(text, bytes):
            encoding = "utf-16" if text.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
            text = text.decode(encoding, "replace")
        return text.removeprefix("\ufeff")

    def lines(self, path: str) -> list[str]:
        """The lines of a file; none where there is no such file."""
        if path not in self._lines:
            self._lines[path] = self.text(path).splitlines()
        return self._lines[path]


def join(folder: str, name: str) -> str:
    """A path below a folder; the empty folder is the repository's root."""
    return f"{folder}/{name}" if folder else name
