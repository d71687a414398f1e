"""The troubles of the command line: what a command raises when it cannot go on, and the exit code that says so."""

OK = 0
FAILED = 1
USAGE = 2
FAULT = 70
INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot do what was asked. Shown as `homeport: message` and the hint; `code` is the exit code."""

    def __init__(self, message: str, hint: str | None = None, *, code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class UsageError(CommandError):
    """The command line itself is wrong."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint, code=USAGE)
