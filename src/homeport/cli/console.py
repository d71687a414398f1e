"""What a command knows of the world that called it: its environment, its folder, and where its words go."""

from collections.abc import Callable, Mapping


class Console:
    """Data goes to `write` (stdout), talk to `say` (stderr). Both pass on at once: whoever reads a stream of facts waits for it.

    Commands take everything about their surroundings from here, so that a test can call one without a process of its own.
    """

    __slots__ = ("environment", "folder", "is_terminal", "say_text", "write")

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        folder: str,
        write: Callable[[bytes], None],
        say_text: Callable[[str], None],
        is_terminal: bool = False,
    ) -> None:
        self.environment = environment
        self.folder = folder
        """the working directory, absolute"""
        self.write = write
        """bytes to stdout"""
        self.say_text = say_text
        """text to stderr, as it is"""
        self.is_terminal = is_terminal
        """whether stdout is a terminal that a person may be looking at"""

    def print(self, text: str) -> None:
        """One line (or more) of data to stdout."""
        self.write((text + "\n").encode("utf-8", "backslashreplace"))

    def say(self, text: str) -> None:
        """One line (or more) of talk to stderr."""
        self.say_text(text + "\n")
