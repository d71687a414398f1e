"""The workflow files that a plan is made of: each read and parsed once. Where they are read from is the caller's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import point
from homeport.language.calls import Loaded
from homeport.language.local_reference import resolve_local
from homeport.language.nodes import Workflow
from homeport.language.parser.workflow import parse_workflow
from homeport.plan.calls import MissingFile
from homeport.plan.model import WorkflowOrigin

WORKFLOW_FOLDER = ".github/workflows"
_ENDINGS = (".yml", ".yaml")
_MOST_KNOWN = 64
_LARGEST_KNOWN = 32 * 1024
"""So that what is remembered of parsed files takes some tens of megabytes at the very most"""


class ParsedFile(msgspec.Struct, frozen=True):
    """A workflow file, read: what it says, as far as it could be read, and what is wrong with it."""

    file: str
    """its path below the repository"""
    workflow: Workflow | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def name(self) -> str:
        """The workflow's name, else its path."""
        named = None if self.workflow is None else self.workflow.name
        return self.file if named is None else named.value

    @property
    def mistakes(self) -> tuple[Diagnostic, ...]:
        """What GitHub would refuse."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.invalid)


class FetchInterruptedError(Exception):
    """Somebody did not want to wait for the workflows of other repositories."""


class FetchedFiles(Protocol):
    """Workflows of other repositories, by reference (`owner/repo/path@ref`)."""

    def fetch(self, missing: Iterable[MissingFile], commits: Mapping[str, str]) -> bool:
        """Get these files; whether any of them is new. `commits` are what refs stood for in an earlier attempt, by
        `RemoteReference.key`. Raises `FetchInterruptedError`.
        """
        ...

    def load(self, reference: str) -> Loaded | None:
        """One as the planner asks for it; None where it is not here."""
        ...

    def find_origin(self, reference: str) -> WorkflowOrigin | None:
        """Where one was fetched from."""
        ...

    def find_failure(self, reference: str) -> str | None:
        """Why one could not be fetched."""
        ...

    def texts(self) -> dict[str, str]:
        """The text of each that is here, for showing diagnostics."""
        ...

    def remarks(self) -> list[str]:
        """What should be seen of how they were found."""
        ...


class ParsedBefore:
    """Files of earlier commits, by path and text: few commits change a workflow. Bounded; may be shared by threads."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, bytes], ParsedFile] = {}

    def parse(self, text: bytes, file: str) -> ParsedFile:
        """As if it were parsed now."""
        known = self._files.get((file, text))
        if known is None:
            known = _parse(text, file)
            if len(self._files) >= _MOST_KNOWN:
                self._files = {}
            if len(text) <= _LARGEST_KNOWN:
                self._files[file, text] = known
        return known


class WorkflowFiles:
    """The workflow files of a repository. Each is read and parsed once, when it is first asked for."""

    def __init__(
        self,
        list_names: Callable[[str], Sequence[str]],
        read: Callable[[str], bytes | None],
        open_remote: Callable[[], FetchedFiles] | None = None,
        *,
        folders: Sequence[str] = (WORKFLOW_FOLDER,),
        parsed_before: ParsedBefore | None = None,
    ) -> None:
        """`list_names` gives the names of the files in a folder, `read` a file by its path below the repository; `open_remote` is
        asked when a workflow of another repository is needed; None where none is fetched. `folders` hold the workflows.
        """
        self._parse = _parse if parsed_before is None else parsed_before.parse
        self.open_remote = open_remote
        self._remote: FetchedFiles | None = None
        self._list_names = list_names
        self._read = read
        self._folders = folders
        self._parsed: dict[str, ParsedFile | None] = {}
        self._texts: dict[str, bytes] = {}

    def paths(self) -> list[str]:
        """The paths of the files in the folders that end in `.yml` or `.yaml`, sorted."""
        found = {f"{folder}/{name}" for folder in self._folders for name in self._list_names(folder)}
        return sorted(file for file in found if file.endswith(_ENDINGS))

    def read(self, file: str) -> ParsedFile | None:
        """A file by its path below the repository; None where there is none that can be read."""
        if file not in self._parsed:
            text = self._read(file)
            self._texts[file] = text or b""
            self._parsed[file] = None if text is None else self._parse(text, file)
        return self._parsed[file]

    def read_all(self) -> list[ParsedFile]:
        """Every workflow file; one that cannot be read is a mistake, not nothing."""
        return [self.read(name) or ParsedFile(name, None, (_unreadable(name),)) for name in self.paths()]

    def sources(self) -> dict[str, str]:
        """The text of every file that was read, for showing diagnostics."""
        remote = {} if self._remote is None else self._remote.texts()
        return remote | {file: text.decode("utf-8", "replace") for file, text in self._texts.items()}

    def fetch(self, missing: Iterable[MissingFile], commits: Mapping[str, str]) -> bool:
        """Get workflows of other repositories; whether any of them is new (see `FetchedFiles.fetch`)."""
        if self.open_remote is None:
            return False
        if self._remote is None:
            self._remote = self.open_remote()
        return self._remote.fetch(missing, commits)

    def remarks(self) -> list[str]:
        """What should be seen of how workflows of other repositories were found."""
        return [] if self._remote is None else self._remote.remarks()

    def find_origin(self, reference: str) -> WorkflowOrigin | None:
        """Where a workflow of another repository was fetched from."""
        return None if self._remote is None else self._remote.find_origin(reference)

    def find_failure(self, reference: str) -> str | None:
        """Why one could not be fetched."""
        return None if self._remote is None else self._remote.find_failure(reference)

    def load(self, reference: str) -> Loaded | None:
        """A called workflow, as the planner asks for it; None for one of another repository that was not fetched."""
        if not reference.startswith("./"):
            return None if self._remote is None else self._remote.load(reference)
        file = resolve_local(reference)
        parsed = None if file is None else self.read(file)
        return None if parsed is None else (parsed.workflow, list(parsed.diagnostics))


def _unreadable(file: str) -> Diagnostic:
    return Diagnostic(code="syntax", message="the file cannot be read", span=point(file), invalid=True)


def _parse(text: bytes, file: str) -> ParsedFile:
    workflow, diagnostics = parse_workflow(text, file)
    return ParsedFile(file, workflow, tuple(diagnostics))
