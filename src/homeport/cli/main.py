"""The table of commands and the one edge where every trouble becomes a message and an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

from homeport.cli.console import Console
from homeport.cli.errors import FAILED, FAULT, INTERRUPTED, OK, USAGE, CommandError, UsageError
from homeport.language.late_pattern import late_patterns

COMMANDS = (
    ("run", "homeport.cli.commands.run", "run the workflows that an event starts, here and now"),
    ("check", "homeport.cli.commands.check", "every mistake in the workflows and action files"),
    ("plan", "homeport.cli.commands.plan", "what an event would start, and the graph of its jobs"),
    ("why", "homeport.cli.commands.why", "why a workflow or a job does or does not run"),
    ("eval", "homeport.cli.commands.evaluate", "evaluate an expression"),
    ("runs", "homeport.cli.commands.runs", "past and present runs"),
    ("show", "homeport.cli.commands.show", "one run: its jobs, steps and annotations"),
    ("logs", "homeport.cli.commands.logs", "what the steps of a run printed"),
    ("rerun", "homeport.cli.commands.rerun", "carry out a run again, or its failed part"),
    ("cancel", "homeport.cli.commands.cancel", "end a run; its cleanup steps still run"),
    ("retry", "homeport.cli.commands.retry", "go on with a job that waits after a failure"),
    ("artifacts", "homeport.cli.commands.artifacts", "the files that a run kept"),
    ("init", "homeport.cli.commands.init", "write the first workflows of a repository"),
    ("doctor", "homeport.cli.commands.doctor", "what this machine can run, what is missing, and what brings it"),
    ("backup", "homeport.cli.commands.backup", "copy all that a server keeps into one file, while it runs"),
    ("restore", "homeport.cli.commands.restore", "put back what `homeport backup` wrote"),
    ("serve", "homeport.cli.commands.serve", "the server: pushes and webhooks in, runs kept and shown"),
    ("dispatch", "homeport.cli.commands.dispatch", "start a workflow of a server by hand"),
    ("repo", "homeport.cli.commands.repo", "a server's repositories, and their settings"),
    ("secret", "homeport.cli.commands.secret", "a server's secrets"),
    ("variable", "homeport.cli.commands.variable", "a server's variables"),
    ("environment", "homeport.cli.commands.environment", "a server's deployment environments"),
    ("user", "homeport.cli.commands.user", "a server's people, and what they may do"),
    ("forge", "homeport.cli.commands.forge", "what a server shows to forges, and webhooks' secrets"),
    ("token", "homeport.cli.commands.token", "your tokens on a server"),
    ("approve", "homeport.cli.commands.approve", "let a run of a pull request from a fork start"),
    ("reject", "homeport.cli.commands.reject", "keep one from starting"),
)
"""name, module, summary. A module holds `COMMAND` (an `options.Command`) and `main(options, console) -> int`; only the one that is
called is imported.
"""

NOT_YET = {
    "runner": "runners on other machines come with the server, in a later part of Homeport",
    "settings": "they come with the server; `homeport run` has options and HOMEPORT_HOME, no settings",
    "reproduce": "it comes with the server, in a later part of Homeport",
}

if TYPE_CHECKING:
    from homeport.cli.options import Command, Options


class CommandModule(Protocol):
    """What the module of a command holds."""

    COMMAND: "Command"

    def main(self, options: "Options", console: Console) -> int:
        """Carry the command out; gives the exit code. Raises `CommandError` where it cannot."""
        ...


def entry_point() -> None:
    """What the `homeport` program and `python -m homeport` call: never returns.

    The process ends by `os._exit` after flushing: tearing the interpreter down takes several milliseconds and does nothing that
    the kernel would not do (threads are joined and files closed by the commands themselves).
    """
    # Importing makes many objects that live as long as the process: collecting garbage meanwhile doubles the time it takes.
    gc.disable()
    _import_msgspec()
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or FAILED
    os._exit(code)


def _import_msgspec() -> None:
    """Import it with Python's own `typing`: where `typing_extensions` is installed msgspec takes that, which costs a tenth of the whole
    start-up and gives nothing that Python 3.11 lacks. What it imports itself has patterns that nobody uses.
    """
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
        with late_patterns():
            import msgspec  # noqa: F401, PLC0415 - for its effect

        del sys.modules["typing_extensions"]


def main(words: Sequence[str], console: Console | None = None) -> int:
    """Carry out one command line; gives the exit code."""
    console = console or _own_console()
    try:
        return _dispatch(words, console)
    except CommandError as error:
        _tell(console, error)
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED  # whoever read the output has gone
    except Exception as error:  # the edge: whatever was not foreseen is a fault of Homeport's own
        return _explain(error, words, console)


def _explain(error: Exception, words: Sequence[str], console: Console) -> int:
    from homeport.cli.fault import render_fault  # noqa: PLC0415 - only when it is needed
    from homeport.ports.repositories import StoreError  # noqa: PLC0415

    if isinstance(error, StoreError):
        _tell(console, CommandError(str(error), "is the disk full, or HOMEPORT_HOME somebody else's?"))
        return FAILED
    console.say_text(render_fault(error, words, console.environment))
    return FAULT


def _dispatch(words: Sequence[str], console: Console) -> int:
    if not words:
        console.say_text(_overview())
        return USAGE
    name, rest = words[0], words[1:]
    if name in {"--help", "-h", "help"}:
        return _help(rest, console)
    if name in {"--version", "-V"}:
        from homeport import __version__  # noqa: PLC0415

        console.print(f"homeport {__version__}")
        return OK
    module = _module(name)
    from homeport.cli.options import parse_options, render_help, wants_help  # noqa: PLC0415

    if wants_help(rest):
        console.print(render_help(module.COMMAND))
        return OK
    gc.freeze()
    gc.enable()
    return module.main(parse_options(module.COMMAND, rest), console)


def _module(name: str) -> CommandModule:
    for known, path, _ in COMMANDS:
        if known == name:
            __import__(path)
            return cast("CommandModule", sys.modules[path])
    if name in NOT_YET:
        raise UsageError(f"`homeport {name}` is not in this version", NOT_YET[name])
    from homeport.cli.options import nearest  # noqa: PLC0415

    meant = nearest(name, [known for known, _, _ in COMMANDS])
    hint = f"did you mean `homeport {meant}`?" if meant else "`homeport --help` lists the commands"
    raise UsageError(f"homeport has no command {name!r}", hint)


def _help(words: Sequence[str], console: Console) -> int:
    if not words:
        console.write(_overview().encode())
        return OK
    from homeport.cli.options import render_help  # noqa: PLC0415

    console.print(render_help(_module(words[0]).COMMAND))
    return OK


def _overview() -> str:
    rows = "".join(f"  {name:11} {summary}\n" for name, _, summary in COMMANDS)
    return (
        "homeport: GitHub Actions workflows, run on your own machines\n\n"
        f"usage: homeport COMMAND [options]\n\n{rows}\n`homeport COMMAND --help` says more.\n"
    )


def _tell(console: Console, error: CommandError) -> None:
    console.say(f"homeport: {error.message}")
    if error.hint:
        console.say(f"  hint: {error.hint}")


def _own_console() -> Console:
    out, err = sys.stdout, sys.stderr

    def write(data: bytes) -> None:
        out.buffer.write(data)
        out.buffer.flush()

    def say(text: str) -> None:
        err.write(text)
        err.flush()

    return Console(environment=os.environ, folder=os.getcwd(), write=write, say_text=say, is_terminal=out.isatty())
