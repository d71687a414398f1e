"""What a rule looks at: one workflow or action, the repository around it, and the expressions in it."""

import re
from collections.abc import Iterator

import msgspec

from homeport.diagnostics.span import Span
from homeport.language.nodes import Action, CallJob, CompositeRuns, Condition, Job, RunStep, UsesStep, Workflow
from homeport.language.parser.steps import walk_steps
from homeport.language.project import Project
from homeport.language.sites import Site
from homeport.language.tokens import ExpressionToken

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.*-]*|.", re.DOTALL)
_OPEN, _CLOSE = "${{", "}}"


class Subject(msgspec.Struct, frozen=True):
    """One file under examination."""

    root: Workflow | Action
    project: Project
    sites: tuple[Site, ...]

    @property
    def jobs(self) -> tuple[Job | CallJob, ...]:
        """The jobs of a workflow; an action has none."""
        return self.root.jobs if isinstance(self.root, Workflow) else ()

    def steps(self) -> Iterator[tuple[Job | None, RunStep | UsesStep]]:
        """Every script and every use of an action with its job, those inside `parallel` too."""
        if isinstance(self.root, Action):
            if isinstance(self.root.runs, CompositeRuns):
                yield from ((None, step) for step in self.root.runs.steps)
            return
        for job in self.root.jobs:
            if isinstance(job, Job):
                yield from ((job, step) for step in walk_steps(job.steps) if isinstance(step, RunStep | UsesStep))

    def conditions(self) -> Iterator[tuple[Condition, str]]:
        """Every `if` with its key in `availability.AVAILABILITY`; one that is absent is `success()`."""
        for job in self.jobs:
            yield job.condition, "jobs.if"
            if isinstance(job, Job) and job.snapshot is not None and job.snapshot.condition is not None:
                yield job.snapshot.condition, "jobs.snapshot.if"
        at = "action.steps.if" if isinstance(self.root, Action) else "steps.if"
        for _, step in self.steps():
            yield step.condition, at
        if isinstance(self.root, Action) and not isinstance(self.root.runs, CompositeRuns):
            for condition in (self.root.runs.pre_condition, self.root.runs.post_condition):
                if condition is not None:
                    yield condition, "action.runs.if"

    def whole_place(self, token: ExpressionToken) -> Span:
        """The place of an expression with its `${{` and `}}`, where these stand on the lines that it begins and ends on."""
        span = token.span
        lines = self.project.lines(span.file)
        before = lines[span.line - 1][: span.column - 1].rstrip() if span.line <= len(lines) else ""
        if not before.endswith(_OPEN):
            return span
        end_column = span.end_column
        after = lines[span.end_line - 1][end_column - 1 :] if span.end_line <= len(lines) else ""
        if after.lstrip().startswith(_CLOSE):
            end_column += after.index(_CLOSE) + len(_CLOSE)
        return Span(span.file, span.line, len(before) - len(_OPEN) + 1, span.end_line, end_column)


def place_in(token: ExpressionToken, offset: int) -> Span:
    """The place of the name or chain of names at an offset of an expression; all of it where its text is not written as it reads."""
    if not token.exact:
        return token.span
    word = _NAME.match(token.source, offset)
    length = 1 if word is None else len(word[0])
    span = token.span
    return Span(span.file, span.line, span.column + offset, span.line, span.column + offset + length)
