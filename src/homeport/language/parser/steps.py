"""Reads the steps of a job or of a composite action.

Source: docs "Workflow syntax: jobs.<job_id>.steps"; GitHub changelog, 25 June 2026 (background steps).
"""

from collections.abc import Iterator, Sequence

from homeport.language.names import quote
from homeport.language.nodes import CancelStep, ParallelStep, RunStep, Step, UsesStep, WaitStep
from homeport.language.parser.findings import Findings
from homeport.language.parser.ids import StepIds, describe_action
from homeport.language.parser.references import check_action_reference
from homeport.language.parser.settings import read_minutes
from homeport.language.parser.values import (
    as_filled_text,
    as_flag,
    as_pairs,
    as_string,
    as_text,
    as_true,
    condition_of,
    fields,
    strings_of,
)
from homeport.language.tokens import BooleanToken, MappingToken, SequenceToken, StringToken, Text, Token

_CODE = "background-steps"
_LONGEST_SCRIPT = 21_000

Settings = dict[str, Token]


def read_steps(token: Token | None, findings: Findings, *, if_at: str = "steps.if") -> tuple[Step, ...]:
    """The steps of a list, with their ids. What is no step was reported before, and is left out."""
    mappings = _mappings(token)
    reader = _StepReader(findings, if_at)
    for mapping in mappings:
        reader.take_ids(mapping)
    steps = tuple(step for mapping in mappings if (step := reader.read(mapping)) is not None)
    _check_background(steps, findings)
    return steps


def walk_steps(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps in order, those inside `parallel` after the step that holds them."""
    for step in steps:
        yield step
        if isinstance(step, ParallelStep):
            yield from step.steps


def _mappings(token: Token | None) -> list[MappingToken]:
    return [item for item in token.items if isinstance(item, MappingToken)] if isinstance(token, SequenceToken) else []


class _StepReader:
    """Reads steps that share one set of ids; all written ids are taken before the first step is read."""

    def __init__(self, findings: Findings, if_at: str) -> None:
        self._findings = findings
        self._if_at = if_at
        self._ids = StepIds()

    def take_ids(self, mapping: MappingToken) -> None:
        """Take the written ids of a step and of those inside it."""
        settings = fields(mapping)
        step_id = as_string(settings.get("id"))
        if step_id is not None:
            self._ids.add(step_id, self._findings)
        for inner in _mappings(settings.get("parallel")):
            self.take_ids(inner)

    def read(self, mapping: MappingToken) -> Step | None:
        """The step that a mapping describes."""
        settings = fields(mapping)
        if "run" in settings or "uses" in settings:
            return self._read_working(mapping, settings)
        if "wait" in settings:
            return self._read_wait(mapping, settings, "wait", strings_of(settings["wait"]))
        if "wait-all" in settings:
            return self._read_wait(mapping, settings, "wait-all", self._read_wait_all(settings["wait-all"]))
        target = as_string(settings.get("cancel"))
        if target is not None:
            return CancelStep(
                id=self._id(settings, "cancel"),
                named="id" in settings,
                name=as_filled_text(settings.get("name")),
                target=target,
                continue_on_error=as_flag(settings.get("continue-on-error")),
                span=mapping.span,
            )
        if "parallel" in settings:
            return self._read_parallel(mapping, settings)
        return None

    def _id(self, settings: Settings, what: str) -> str:
        written = as_string(settings.get("id"))
        return written.value if written is not None and written.value else self._ids.generate(what)

    def _read_working(self, mapping: MappingToken, settings: Settings) -> RunStep | UsesStep | None:
        script = as_text(settings.get("run"))
        if script is not None:
            return self._read_run(mapping, settings, script)
        uses = as_string(settings.get("uses"))
        return None if uses is None else self._read_uses(mapping, settings, uses)

    def _read_run(self, mapping: MappingToken, settings: Settings, script: Text) -> RunStep:
        if isinstance(script, StringToken) and len(script.value) > _LONGEST_SCRIPT:
            message = f"the script has {len(script.value):,} characters; at most {_LONGEST_SCRIPT:,} are allowed"
            self._findings.refuse("syntax-check", script.span, message, hint="move it to a file of the repository")
        return RunStep(
            id=self._id(settings, "run"),
            named="id" in settings,
            name=as_filled_text(settings.get("name")),
            condition=condition_of(settings.get("if"), self._if_at, mapping.span),
            script=script,
            shell=as_text(settings.get("shell")),
            working_directory=as_filled_text(settings.get("working-directory")),
            env=as_pairs(settings.get("env")),
            continue_on_error=as_flag(settings.get("continue-on-error")),
            timeout_minutes=read_minutes(settings.get("timeout-minutes"), self._findings),
            background=as_true(settings.get("background")),
            span=mapping.span,
        )

    def _read_uses(self, mapping: MappingToken, settings: Settings, uses: StringToken) -> UsesStep:
        check_action_reference(uses, self._findings)
        return UsesStep(
            id=self._id(settings, describe_action(uses.value)),
            named="id" in settings,
            name=as_filled_text(settings.get("name")),
            condition=condition_of(settings.get("if"), self._if_at, mapping.span),
            uses=uses,
            inputs=as_pairs(settings.get("with")),
            env=as_pairs(settings.get("env")),
            continue_on_error=as_flag(settings.get("continue-on-error")),
            timeout_minutes=read_minutes(settings.get("timeout-minutes"), self._findings),
            background=as_true(settings.get("background")),
            span=mapping.span,
        )

    def _read_wait(
        self, mapping: MappingToken, settings: Settings, what: str, targets: tuple[StringToken, ...] | None
    ) -> WaitStep:
        return WaitStep(
            id=self._id(settings, what),
            named="id" in settings,
            name=as_filled_text(settings.get("name")),
            targets=targets,
            continue_on_error=as_flag(settings.get("continue-on-error")),
            span=mapping.span,
        )

    def _read_wait_all(self, token: Token) -> tuple[StringToken, ...] | None:
        if isinstance(token, BooleanToken) and not token.value:
            message = "'wait-all: false' waits for nothing; expected true, or nothing after the colon"
            self._findings.report(_CODE, token.span, message, hint="remove the step")
            return ()
        return None

    def _read_parallel(self, mapping: MappingToken, settings: Settings) -> ParallelStep:
        inner = (self._read_working(item, fields(item)) for item in _mappings(settings["parallel"]))
        return ParallelStep(
            id=self._id(settings, "parallel"),
            named="id" in settings,
            name=as_filled_text(settings.get("name")),
            steps=tuple(step for step in inner if step is not None),
            span=mapping.span,
        )


def _check_background(steps: Sequence[Step], findings: Findings) -> None:
    """`wait` and `cancel` must name background steps above them."""
    started: dict[str, bool] = {}
    all_ids = {step.id.lower() for step in walk_steps(steps)}
    for step in steps:
        targets: tuple[StringToken, ...] = ()
        match step:
            case RunStep() | UsesStep():
                started[step.id.lower()] = step.background
            case WaitStep(targets=tuple() as named):
                targets = named
            case CancelStep():
                targets = (step.target,)
            case _:
                continue
        for target in targets:
            _check_target(target, started, all_ids, findings)


def _check_target(target: StringToken, started: dict[str, bool], all_ids: set[str], findings: Findings) -> None:
    is_background = started.get(target.value.lower())
    if is_background:
        return
    hint = None
    if is_background is False:
        problem, hint = "is not a background step", "add 'background: true' to that step"
    elif target.value.lower() in all_ids:
        problem = "does not start above this step"
    else:
        problem, hint = (
            "is not the id of a step",
            findings.suggester.suggest(target.value, [name for name, yes in started.items() if yes]),
        )
    message = f"{quote(target.value)} {problem}; expected the id of a background step above"
    findings.refuse(_CODE, target.span, message, hint=hint)
