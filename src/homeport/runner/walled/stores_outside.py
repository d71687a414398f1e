"""Answers what a stage inside of the wall asks of the stores: no more than what its job may have, whatever it says."""

import os
import stat
from collections.abc import Callable

from homeport.archive.copying import PART, copy_part
from homeport.ports.artifacts import DigestMismatchError, NameTakenError
from homeport.ports.caches import CacheEntry
from homeport.ports.repositories import StoreError
from homeport.runner.actions.native.artifact_names import check_artifact_name
from homeport.runner.actions.native.caching import find_scopes
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.walled.conversation import (
    Answer,
    FetchArtifact,
    FetchCache,
    FindCache,
    ListArtifacts,
    PutArtifact,
    PutCache,
)

Question = ListArtifacts | PutArtifact | FetchArtifact | FindCache | FetchCache | PutCache


class StoresOutside:
    """Of one stage. `folder` is where copies are put for it: a folder that the job cannot replace by a link."""

    def __init__(self, host: ActionHost, folder: str) -> None:
        self._host = host
        self._folder = folder
        self._found: list[CacheEntry] = []

    def answer(self, question: Question, take_file: Callable[[], int]) -> Answer:
        """Never raises for what a store says; `take_file` gives the descriptor that came with the question."""
        try:
            return Answer(self._answer(question, take_file))
        except NameTakenError as error:
            return Answer(str(error), "taken")
        except DigestMismatchError as error:
            return Answer(str(error), "digest")
        except (StoreError, ActionError) as error:
            return Answer(str(error), "store")
        except OSError as error:
            return Answer(str(error), "os")
        except ValueError as error:
            return Answer(str(error), "value")

    def _answer(self, question: Question, take_file: Callable[[], int]) -> object:
        match question:
            case ListArtifacts(run, attempt, records):
                if run != self._host.order.run:
                    raise StoreError("a sandboxed job has the artifacts of its own run only")
                return list(self._host.artifacts.list(run, attempt=attempt, records=records))
            case PutArtifact():
                return self._with_file(take_file(), lambda file: self._put_artifact(question, file))
            case FetchArtifact(wanted):
                for artifact in self._host.artifacts.list(self._host.order.run):
                    if artifact.id == wanted:
                        return self._copy(self._host.artifacts.archive_path(artifact))
                raise StoreError(f"the run has no artifact with the id {wanted}")
            case FindCache(key, restore_keys, version, scopes):
                own = find_scopes(self._host)
                entry = self._host.caches.find(key, restore_keys, version, [each for each in scopes if each in own])
                if entry is not None:
                    self._found.append(entry)
                return entry
            case FetchCache(entry):
                if entry not in self._found:
                    raise StoreError("this cache was not found by the job")
                return self._copy(self._host.caches.archive_path(entry))
            case PutCache(key, version):
                scope = str(self._host.github.get("ref") or "")
                return self._with_file(
                    take_file(), lambda file: self._host.caches.put_archive(key, version, scope, file)
                )

    def _put_artifact(self, question: PutArtifact, file: str) -> object:
        check_artifact_name(question.name)
        order = self._host.order
        return self._host.artifacts.put_file(
            order.run,
            int(str(self._host.github.get("run_attempt") or "1")),
            order.leg.key,
            question.name,
            file,
            media_type=question.media_type,
            retention_days=max(0, question.retention_days),
            overwrite=question.overwrite,
            is_record=question.is_record,
        )

    def _with_file(self, descriptor: int, use: Callable[[str], object]) -> object:
        """Only files: a store that reads a pipe would wait for it, one that reads a device has no end."""
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("what was handed over is not a file")
            return use(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)

    def _copy(self, path: str) -> str:
        """A copy, not the file: whoever has a descriptor of what is stored could write to it."""
        target = f"{self._folder}/{os.urandom(8).hex()}.archive"
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            copied = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                position = 0
                while count := copy_part(source, position, copied, position, PART):
                    position += count
            finally:
                os.close(copied)
        finally:
            os.close(source)
        return target
