"""The program that runs inside of a job's wall: it does one task that the runner sends through descriptor 3, and says how it went."""

import socket
import traceback
from importlib import import_module

import msgspec

from homeport.runner.host import ActionError, ActionHost
from homeport.runner.walled.conversation import (
    DeclareSubjects,
    Done,
    Failed,
    HashFiles,
    Line,
    Stage,
    Task,
    decode_task,
    encode,
)

_DESCRIPTOR = 3


def main() -> None:
    """Do the task; the exit code says nothing."""
    line = Line(socket.socket(fileno=_DESCRIPTOR))
    task = decode_task(line.receive())
    line.send(encode(_attempt(task, line)))


def _attempt(task: Task, line: Line) -> Done | Failed:
    try:
        return _carry_out(task, line)
    except ActionError as error:
        return Failed("action", str(error))
    except OSError as error:
        return Failed("os", f"{error.strerror}: {error.filename}" if error.filename else str(error))
    except Exception as error:
        # the one boundary of this program: what it is not told of is a fault of Homeport's
        frames = "".join(traceback.format_exception(error)[-3:])
        return Failed("fault", f"{type(error).__name__}: {error}\n{frames}")


def _carry_out(task: Task, line: Line) -> Done | Failed:
    match task:
        case Stage():
            return _run_stage(task, line)
        case HashFiles():
            from homeport.runner.hash_files import HashFilesError, hash_files  # noqa: PLC0415 - one task of several

            try:
                return Done(hash_files(task.arguments, task.workspace, task.home))
            except HashFilesError as error:
                return Failed("evaluation", str(error))
        case DeclareSubjects():
            from homeport.runner.artifact_subjects import Subject, declare_subjects  # noqa: PLC0415 - one task of several
            from homeport.runner.command_files import CommandFileError  # noqa: PLC0415 - one task of several

            known = msgspec.json.decode(task.known, type=dict[str, Subject])
            try:
                subjects = declare_subjects(task.text, known, task.workspace)
            except CommandFileError as error:
                return Failed("evaluation", str(error))
            return Done(msgspec.json.encode(subjects).decode())


def _run_stage(task: Stage, line: Line) -> Done:
    from homeport.runner.walled.host_inside import HostInside  # noqa: PLC0415 - one task of several

    module = import_module(task.module)
    host: ActionHost = HostInside(task, line)
    if task.stage == "post":
        module.post(host)
    else:
        module.main(host)
    return Done()


if __name__ == "__main__":
    main()
