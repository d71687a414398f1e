"""Runs on a terminal: a picture that is redrawn in place, with every failure written above it where it stays."""

from collections.abc import Callable, Mapping
from datetime import datetime

from homeport.present.failure import render_failed_step
from homeport.present.live import render_live
from homeport.present.run_view import RunsView
from homeport.present.summary import Needs, render_summary
from homeport.present.words import paint, show_pause
from homeport.run.facts import Fact, JobFinished, JobPaused, StepFinished, WorkflowNotStarted

_SECONDS_A_FRAME = 0.08
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_CLEAR_BELOW = "\x1b[J"


class LiveView:
    """A `View` for people. `size` gives the terminal's columns and rows at this moment; `needs` is as for `PlainView`.

    What stays is written above the picture, so that the scrollback holds the failures and, at the end, the summary.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        size: Callable[[], tuple[int, int]],
        *,
        needs: Mapping[str, Needs],
        colour: bool = True,
        failed_command: str = "",
    ) -> None:
        self._write = write
        self._size = size
        self._needs = needs
        self._colour = colour
        self._failed_command = failed_command
        self._view = RunsView()
        self._drawn_rows = 0
        self._drawn_at: datetime | None = None

    def feed(self, fact: Fact) -> None:
        """Take the fact in; a failure is written at once, the picture follows with the next tick."""
        self._view.fold(fact)
        text = self._lasting(fact)
        if text:
            self._write(self._erasure() + text + "\n")
            self._drawn_at = None

    def tick(self, now: datetime) -> None:
        """Draw again, at most a dozen times a second."""
        if self._drawn_at is not None and (now - self._drawn_at).total_seconds() < _SECONDS_A_FRAME:
            return
        self._drawn_at = now
        columns, rows = self._size()
        # The last column stays free: a terminal that wraps there would make the picture taller than it is thought to be.
        width, height = columns - 1, max(rows - 2, 3)
        picture = render_live(self._view, self._needs, now, width=width, height=height, colour=self._colour)
        if picture:
            erasure = self._erasure()
            self._drawn_rows = len(picture)
            self._write(f"{erasure}{_HIDE_CURSOR}" + "\n".join(picture) + "\n")

    def step_aside(self) -> None:
        """Take the picture away; the next tick draws it again, below what was written meanwhile."""
        self._write(self._erasure() + _SHOW_CURSOR)
        self._drawn_at = None

    def close(self) -> None:
        """Take the picture away and write the summary."""
        self.step_aside()
        if self._view.runs or self._view.not_started:
            summary = render_summary(self._view, self._needs, colour=self._colour, failed_command=self._failed_command)
            self._write(summary)

    def _erasure(self) -> str:
        """What takes the picture away."""
        rows, self._drawn_rows = self._drawn_rows, 0
        return f"\x1b[{rows}A\r{_CLEAR_BELOW}" if rows else ""

    def _lasting(self, fact: Fact) -> str:
        """What is worth keeping in the scrollback."""
        match fact:
            case StepFinished() if fact.outcome == "failure":
                job = self._view.runs[fact.run].jobs[fact.job]
                step = job.find_step(fact.step)
                return render_failed_step(job, step, colour=self._colour) + "\n" if step is not None else ""
            case JobFinished() if fact.outcome == "failure" and fact.reason:
                return paint(f"✗ {fact.name}: {fact.reason}", "1;31", self._colour) + "\n"
            case JobPaused():
                return f"‖ {fact.job} waits: {show_pause(fact)}\n"
            case WorkflowNotStarted():
                return paint(f"– {fact.workflow} does not start: {fact.reason}", "2", self._colour)
            case _:
                return ""
