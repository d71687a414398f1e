"""Fetches the reusable workflows of other repositories that a plan lacks, as published actions are fetched."""

from collections.abc import Callable, Iterable, Mapping
from threading import Thread

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import point
from homeport.language.calls import Loaded
from homeport.language.parser.workflow import parse_workflow
from homeport.language.remote_reference import RemoteReference, parse_remote_reference
from homeport.plan.calls import MissingFile
from homeport.plan.files import FetchInterruptedError
from homeport.plan.model import WorkflowOrigin
from homeport.ports.action_sources import ActionSources, Resolution, SourceError, SourceStoppedError
from homeport.ports.repositories import StoreError


class _Fetched(msgspec.Struct, frozen=True):
    """What became of one reference. `failure`: nobody could be asked, so that it may be there all the same."""

    loaded: Loaded | None = None
    text: bytes = b""
    origin: WorkflowOrigin | None = None
    failure: str = ""
    remark: str = ""
    is_interrupted: bool = False


class RemoteWorkflows:
    """The workflows of other repositories, by reference (`owner/repo/path@ref`). Each is fetched once, several beside each other.

    What does not exist is a mistake, as GitHub says it; what cannot be reached now fails the job that calls it.
    """

    def __init__(self, open_sources: Callable[[], ActionSources]) -> None:
        self._open = open_sources
        self._fetched: dict[str, _Fetched] = {}

    def fetch(self, missing: Iterable[MissingFile], commits: Mapping[str, str]) -> bool:
        """Get these files; whether any of them is new. `commits` are what refs stood for in an earlier attempt, by
        `RemoteReference.key`. Raises `FetchInterruptedError`.
        """
        wanted = sorted({file.reference for file in missing} - self._fetched.keys())
        if not wanted:
            return False
        sources = self._open()

        def get(reference: str) -> None:
            self._fetched[reference] = _fetch(sources, reference, commits)

        helpers = [Thread(target=get, args=(reference,)) for reference in wanted[1:]]
        for helper in helpers:
            helper.start()
        get(wanted[0])
        for helper in helpers:
            helper.join()
        if any(self._fetched[reference].is_interrupted for reference in wanted):
            raise FetchInterruptedError
        return True

    def load(self, reference: str) -> Loaded | None:
        """One as the planner asks for it; None where it is not here."""
        found = self._fetched.get(reference)
        return None if found is None else found.loaded

    def find_origin(self, reference: str) -> WorkflowOrigin | None:
        """Where one was fetched from."""
        found = self._fetched.get(reference)
        return None if found is None else found.origin

    def find_failure(self, reference: str) -> str | None:
        """Why one could not be fetched."""
        found = self._fetched.get(reference)
        return None if found is None else found.failure or None

    def texts(self) -> dict[str, str]:
        """The text of each that is here, for showing diagnostics."""
        return {name: found.text.decode("utf-8", "replace") for name, found in self._fetched.items() if found.text}

    def remarks(self) -> list[str]:
        """What should be seen: older answers that were used."""
        return list(dict.fromkeys(found.remark for found in self._fetched.values() if found.remark))


def _fetch(sources: ActionSources, text: str, commits: Mapping[str, str]) -> _Fetched:
    reference = parse_remote_reference(text)
    if reference is None:
        return _mistake(text, "the reference names no workflow of a repository")
    try:
        resolution = sources.resolve(
            reference.repository, reference.ref, run="", commit=commits.get(reference.key), is_stopped=_never
        )
        content = sources.read(resolution, reference.path, is_stopped=_never)
    except SourceError as error:
        if error.is_final:
            return _mistake(text, "workflow was not found", error.message)
        return _Fetched(failure=error.message)
    except SourceStoppedError:
        return _Fetched(is_interrupted=True)
    except (OSError, StoreError) as error:
        return _Fetched(failure=str(error))
    if content is None:
        return _mistake(
            text, "workflow was not found", f"{reference.repository} has no such file at {resolution.commit}"
        )
    workflow, diagnostics = parse_workflow(content, text)
    origin = _describe(reference, resolution)
    return _Fetched((workflow, list(diagnostics)), content, origin, remark=resolution.remark)


def _describe(reference: RemoteReference, resolution: Resolution) -> WorkflowOrigin:
    return WorkflowOrigin(
        repository=reference.repository,
        path=reference.path,
        ref=resolution.full_ref or reference.ref,
        sha=resolution.commit,
    )


def _mistake(reference: str, what: str, hint: str | None = None) -> _Fetched:
    message = f"{what}: {hint}" if hint else what
    diagnostic = Diagnostic(code="workflow-call", message=message, span=point(reference), invalid=True)
    return _Fetched((None, [diagnostic]))


def _never() -> bool:
    """An interrupt reaches git itself, which is in our own process group."""
    return False
