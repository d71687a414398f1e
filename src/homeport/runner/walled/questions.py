"""Questions about a job's files that are answered inside of its wall: `hashFiles`, and what `GITHUB_ARTIFACTS` declares."""

import os
from collections.abc import Callable, Mapping

import msgspec

from homeport.ports.executor import JobPaths, WalledJobEnvironment
from homeport.runner.artifact_subjects import Subject
from homeport.runner.command_files import CommandFileError
from homeport.runner.host import ActionError
from homeport.runner.stop import StepStop
from homeport.runner.walled.conversation import Ask, ConversationError, DeclareSubjects, HashFiles
from homeport.runner.walled.conversing import Conversation, StageStoppedError

_decode_subjects = msgspec.json.Decoder(dict[str, Subject]).decode
HIDDEN_HOME = "/nonexistent"


def hash_inside(wall: WalledJobEnvironment, stop: StepStop, paths: JobPaths, patterns: list[str]) -> str:
    """`hashFiles`. Raises `ActionError`, `OSError`."""
    return _ask(wall, stop, HashFiles(tuple(patterns), paths.workspace, paths.home))


def declare_inside(
    wall: WalledJobEnvironment, stop: StepStop, paths: JobPaths, text: str, known: Mapping[str, Subject]
) -> dict[str, Subject]:
    """The known subjects with those that a text declares. Raises `CommandFileError`, `OSError`."""
    try:
        return _decode_subjects(_ask(wall, stop, DeclareSubjects(text, msgspec.json.encode(known), paths.workspace)))
    except ActionError as error:
        raise CommandFileError(str(error)) from error
    except msgspec.DecodeError as error:
        raise CommandFileError(f"the sandbox's answer makes no sense: {error}") from error


def program_environment(wall: WalledJobEnvironment) -> dict[str, str]:
    """For the program inside itself: nothing that the job has set."""
    return {"PATH": wall.base_environment.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": HIDDEN_HOME}


def _ask(wall: WalledJobEnvironment, stop: StepStop, task: HashFiles | DeclareSubjects) -> str:
    with wall.open_inside(()) as inside:
        try:
            return Conversation(stop, inside, _refuse).carry_out(task, program_environment(wall))
        except StageStoppedError as error:
            raise ActionError("The operation was canceled.") from error


def _refuse(message: Ask, _: Callable[[], int]) -> None:
    raise ConversationError(f"a question about files asks something itself: {type(message).__name__}")
