"""Runs as plain text, line after line: for pipes, log files and readers that cannot move a cursor."""

from collections.abc import Callable, Mapping
from datetime import datetime

from homeport.present.run_view import JobView, RunsView
from homeport.present.summary import Needs, render_summary
from homeport.present.view import Batch
from homeport.present.words import (
    COLOURS,
    MARKS,
    SEVERITY_COLOURS,
    is_exit_notice,
    paint,
    seconds_between,
    show_duration,
    show_pause,
    show_place,
    strip_ansi,
)
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    ConcurrencyWaiting,
    Fact,
    JobFinished,
    JobPaused,
    LinesLogged,
    RunQueued,
    StepFinished,
    StepStarted,
    WorkflowNotStarted,
)

_HEADER, _HEADER_END = "##[group]Run ", "##[endgroup]\n"
_HIDDEN = "##[endgroup]"
_SHOWN_AS = (("##[group]", ""), ("##[error]", "error: "), ("##[warning]", "warning: "), ("##[notice]", "notice: "))


class PlainView:
    """A `View` that never takes back what it wrote. `needs` (by run id) is read at the end, for the critical path.

    What a step prints before anything else, its script or inputs and its environment, is left out, as GitHub's pages have it folded:
    `homeport logs` shows it.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        *,
        needs: Mapping[str, Needs],
        colour: bool = False,
        failed_command: str = "",
    ) -> None:
        self._batch = Batch(write)
        self._needs = needs
        self._colour = colour
        self._failed_command = failed_command
        self._view = RunsView()
        self._silent: set[tuple[str, str, str]] = set()
        """the steps that have begun and not printed anything"""

    def feed(self, fact: Fact) -> None:
        """Write what the fact means to a reader, if anything."""
        self._view.fold(fact)
        if isinstance(fact, LinesLogged):
            self._add_lines(fact)
        elif text := self._render(fact):
            self._batch.add(_encode(text), b"\n")

    def tick(self, now: datetime) -> None:  # noqa: ARG002 - no clock is shown
        """Let it be seen. Nothing that was written changes."""
        self._batch.flush()

    def step_aside(self) -> None:
        """Lines are complete as they are."""
        self._batch.flush()

    def close(self) -> None:
        """Write the summary of all runs."""
        if self._view.runs or self._view.not_started:
            summary = render_summary(self._view, self._needs, colour=self._colour, failed_command=self._failed_command)
            self._batch.add(b"\n", _encode(summary))
        self._batch.flush()

    def _render(self, fact: Fact) -> str:
        match fact:
            case RunQueued():
                return paint(f"{fact.name} #{fact.number} ({fact.event}): {fact.run_name}", "1", self._colour)
            case StepStarted():
                self._silent.add((fact.run, fact.job, fact.step))
                return self._mark(fact.run, fact.job) + paint(f"▸ {fact.name}", "1", self._colour)
            case StepFinished() if fact.outcome == "failure":
                code = f" with exit code {fact.exit_code}" if fact.exit_code else ""  # 0: something else failed it
                why = f": {fact.reason.splitlines()[0]}" if fact.reason and not is_exit_notice(fact.reason) else ""
                return self._mark(fact.run, fact.job) + paint(f"✗ {fact.name} failed{code}{why}", "31", self._colour)
            case AnnotationRaised() if (
                fact.step is None
            ):  # a step's own stand in its lines, and all of them in the summary
                return self._render_annotation(fact)
            case JobPaused():
                return self._mark(fact.run, fact.job) + f"‖ paused after a failure: {show_pause(fact)}"
            case JobFinished():
                return self._render_ending(fact)
            case ConcurrencyWaiting():
                who = self._mark(fact.run, fact.job) if fact.job is not None else ""
                return f"{who}waits for concurrency group {fact.group}, held by {fact.holder}"
            case CancelRequested():
                return paint(f"cancelled by {fact.by}: {fact.reason}", "33", self._colour)
            case WorkflowNotStarted():
                return f"{fact.workflow} does not start: {fact.reason}"
            case _:
                return ""

    def _add_lines(self, fact: LinesLogged) -> None:
        """Floods of lines come by here: they are marked as bytes, and searched for one character first, which is much faster."""
        text: str | None = fact.text
        if self._silent and (step := (fact.run, fact.job, fact.step)) in self._silent:
            self._silent.remove(step)
            text = _without_header(fact.text)
        if text is not None and "#" in text and "##[" in text:
            text = _without_marks(text)
        if text is None:
            return
        mark = _encode(self._mark(fact.run, fact.job))
        data = _encode(text if self._colour else strip_ansi(text))
        self._batch.add(mark, data.replace(b"\n", b"\n" + mark), b"\n")

    def _render_annotation(self, fact: AnnotationRaised) -> str:
        mark = self._mark(fact.run, fact.job) if fact.job is not None else ""
        place = show_place(fact)
        severity = paint(fact.severity, SEVERITY_COLOURS[fact.severity], self._colour)
        title = f"{fact.title}: " if fact.title else ""
        return f"{mark}{severity}: {f'{place}: ' if place else ''}{title}{fact.message}"

    def _render_ending(self, fact: JobFinished) -> str:
        job = self._find_job(fact.run, fact.job)
        seconds = seconds_between(job.started_at, job.finished_at) if job is not None else None
        duration = f" in {show_duration(seconds)}" if seconds is not None else ""
        why = f": {fact.reason}" if fact.reason else ""
        ending = f"{MARKS[fact.conclusion]} {fact.conclusion}{duration}{why}"
        return self._mark(fact.run, fact.job) + paint(ending, COLOURS[fact.conclusion], self._colour)

    def _mark(self, run: str, job: str) -> str:
        """What stands before every line of a job."""
        view = self._find_job(run, job)
        name = view.name if view is not None else job
        if len(self._view.runs) > 1:
            name = f"{self._view.runs[run].name} / {name}"
        return paint(f"{name} │ ", "2", self._colour)

    def _find_job(self, run: str, job: str) -> JobView | None:
        return self._view.runs[run].jobs.get(job)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _without_header(text: str) -> str | None:
    """The first lines of a step without what the runner says of it; None where nothing is left."""
    if not text.startswith(_HEADER):
        return text
    _, _, rest = f"{text}\n".partition(_HEADER_END)
    return rest[:-1] or None


def _without_marks(text: str) -> str | None:
    """Lines as a reader wants them: the runner's own marks are words, or gone; None where nothing is left."""
    lines = []
    for line in text.split("\n"):
        if line == _HIDDEN:
            continue
        for mark, word in _SHOWN_AS:
            if line.startswith(mark):
                line = word + line.removeprefix(mark)  # noqa: PLW2901 - at most one of the marks is there
                break
        lines.append(line)
    return "\n".join(lines) if lines else None
