"""The log of a step: bytes of its processes and lines of the runner in, masked whole lines out.

Output is handled in blocks of whole lines. A block that holds neither a secret nor the mark of a command is passed on as it is; only
others are looked at line by line. Lines end at a line feed, a carriage return, or both, as in the C# runner (`StreamReader.ReadLine`).
"""

from typing import Protocol

from homeport.language.late_pattern import late_pattern
from homeport.ports.clock import Clock
from homeport.runner.commands import WorkflowCommand
from homeport.runner.masking import Masker, hide
from homeport.runner.reporter import Reporter

FLUSH_BYTES = 60 * 1024
"""Handed over at once when this much has come together: what a pipe gives at once, so that it is decoded while it is in the cache."""
FLUSH_SECONDS = 0.03
"""Handed over at the latest after this time."""
LONGEST_LINE = 256 * 1024
"""A longer line is shown in pieces: memory stays bounded, and no secret is cut in two."""
LONGEST_COMMAND = 1024 * 1024
"""A line that may be a command is held together up to this."""
_COMMAND_LINE = late_pattern(rb"(?m)^[ \t\v\f]*::|##\[")
"""Where a line begins that may hold a command."""


class Interpreter(Protocol):
    """What reads commands and problems out of lines."""

    @property
    def is_matching(self) -> bool:
        """Whether problem matchers want to see every line."""
        ...

    def find_command(self, line: str) -> WorkflowCommand | None:
        """The command in this line, if it is one that is heeded now."""
        ...

    def run_command(self, command: WorkflowCommand, line: str) -> None:
        """Carry out a command; what it has to say goes to the log."""
        ...

    def match(self, lines: list[str]) -> list[str]:
        """The lines as they are to be shown: problems are marked as such."""
        ...


class StepLog:
    """Used by one thread at a time. The interpreter is set where output may hold commands."""

    def __init__(self, step: str, masker: Masker, reporter: Reporter, clock: Clock) -> None:
        self._step = step
        self._masker = masker
        self._reporter = reporter
        self._clock = clock
        self._parts: list[bytes] = []
        self._size = 0
        self._since = 0.0
        self._carry = b""
        self._ends_in_return = False
        self._told_of_length = False
        self.interpreter: Interpreter | None = None

    # --- the runner's own lines ---------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Lines that the runner says itself; they are masked and not interpreted."""
        self._emit(self._masker.mask(text.encode("utf-8", "replace")))

    # --- the output of processes --------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """A chunk of output, cut anywhere."""
        if self._ends_in_return or b"\r" in data:
            data = self._end_lines(data)
        if self._carry:
            data = self._carry + data
        end = data.rfind(b"\n")
        if end < 0:
            self._carry = data
        else:
            self._carry = data[end + 1 :]
            self._take(data[:end])
        if len(self._carry) > LONGEST_LINE:
            self._split_carry()
        if self._size >= FLUSH_BYTES:
            self.send()

    def finish(self) -> None:
        """The process has ended: what it left without a line break is a line too."""
        self._ends_in_return = False
        if self._carry:
            line, self._carry = self._carry, b""
            self._take(line)

    def _end_lines(self, data: bytes) -> bytes:
        """A return at the very end waits for the next chunk: a line feed may follow."""
        if self._ends_in_return:
            data = b"\r" + data
        self._ends_in_return = data.endswith(b"\r")
        if self._ends_in_return:
            data = data[:-1]
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, block: bytes) -> None:
        interpreter = self.interpreter
        if interpreter is not None and interpreter.is_matching:
            self._take_lines(interpreter, block)
            return
        finds = self._masker.examine(block)
        if interpreter is None or not finds.may_hold_commands:
            self._emit(hide(block, finds.secrets))
        else:
            self._take_commands(interpreter, block)

    def _take_commands(self, interpreter: Interpreter, block: bytes) -> None:
        """Only lines that may hold a command are read one by one; what stands between them stays a block."""
        start = position = 0
        search = _COMMAND_LINE.search
        while (found := search(block, position)) is not None:
            line_start = block.rfind(b"\n", 0, found.end()) + 1
            line_end = block.find(b"\n", found.end())
            line_end = len(block) if line_end < 0 else line_end
            position = line_end + 1
            line = block[line_start:line_end].decode("utf-8", "replace")
            command = interpreter.find_command(line)
            if command is not None:
                if line_start > start:
                    self._emit(self._masker.mask(block[start : line_start - 1]))
                interpreter.run_command(command, line)
                start = position
                if interpreter.is_matching:
                    break
        if start <= len(block):
            take = self._take_lines if interpreter.is_matching else self._mask_lines
            take(interpreter, block[start:])

    def _mask_lines(self, _: Interpreter, block: bytes) -> None:
        self._emit(self._masker.mask(block))

    def _take_lines(self, interpreter: Interpreter, block: bytes) -> None:
        waiting: list[str] = []
        for line in block.decode("utf-8", "replace").split("\n"):
            command = interpreter.find_command(line) if "::" in line or "##[" in line else None
            if command is None:
                waiting.append(line)
                continue
            self._show(interpreter, waiting)
            waiting = []
            interpreter.run_command(command, line)
        self._show(interpreter, waiting)

    def _show(self, interpreter: Interpreter, lines: list[str]) -> None:
        if lines:
            self.write("\n".join(interpreter.match(lines)))

    def _split_carry(self) -> None:
        """Show the first part of a line that is too long, cut where no secret is cut."""
        if len(self._carry) <= LONGEST_COMMAND and self._carry[:64].lstrip().startswith((b"::", b"##[")):
            return
        if not self._told_of_length:
            self._told_of_length = True
            self.write(f"##[warning]A line is longer than {LONGEST_LINE:,} bytes; it is shown in pieces.")
        data = self._carry
        cut = len(data) - max(self._masker.longest - 1, 0)
        for start, end in self._masker.examine(data).secrets:
            if start < cut < end:
                cut = start or end
        while 0 < cut < len(data) and data[cut] & 0xC0 == 0x80:
            cut -= 1
        cut = cut if cut > 0 else len(data)
        self._carry = data[cut:]
        self._emit(self._masker.mask(data[:cut]))

    # --- handing over -------------------------------------------------------------------------------------------------

    def _emit(self, block: bytes) -> None:
        if not self._parts:
            self._since = self._clock.monotonic()
        self._parts.append(block)
        self._size += len(block) + 1

    @property
    def due_at(self) -> float | None:
        """When `send` should be called at the latest, on the monotonic clock; None where nothing waits."""
        reported = self._reporter.due_at
        if not self._parts:
            return reported
        due_at = self._since + FLUSH_SECONDS
        return due_at if reported is None else min(due_at, reported)

    def collect(self) -> None:
        """Put what has come together among the facts of the next report."""
        if self._parts:
            text = b"\n".join(self._parts).decode("utf-8", "replace")
            self._parts = []
            self._size = 0
            self._reporter.lines(self._step, text)

    def send(self) -> None:
        """Report what has come together now."""
        self.collect()
        self._reporter.send()
