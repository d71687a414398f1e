"""The steps of a job in the order in which they are reached: pre stages first, parallel steps written out.

Source: actions/runner `JobExtension.InitializeJob` (pre steps, then steps); GitHub docs, "Workflow syntax: jobs.<job_id>.steps[*]
.parallel" (background steps and a wait for them).
"""

from collections.abc import Iterator, Sequence

import msgspec

from homeport.language import nodes
from homeport.language.tokens import StringToken
from homeport.runner.actions.model import ResolvedAction, Stage
from homeport.runner.resolution import list_pre_steps
from homeport.runner.session import JobSession


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a job in one of its stages. `number` counts from 1 over the whole job, `id` is unique in it."""

    number: int
    id: str
    stage: Stage
    step: nodes.RunStep | nodes.UsesStep | nodes.WaitStep | nodes.CancelStep
    action: ResolvedAction | None = None
    """for the pre stage"""


def list_entries(session: JobSession, *, first: int = 1) -> list[Entry]:
    """Pre and main stages, numbered from `first`; post stages are known when the main stages have run."""
    written = _write_out(session.order.job.steps)
    pre = [("pre", step, action) for step, action in list_pre_steps(session, written)]
    main = [("main", step, None) for step in written]
    return [
        Entry(
            number=number,
            id=step.id if stage == "main" else f"__pre_{step.id}",
            stage="main" if stage == "main" else "pre",
            step=step,
            action=action,
        )
        for number, (stage, step, action) in enumerate([*pre, *main], start=first)
    ]


def list_uses(steps: Sequence[nodes.Step]) -> Iterator[nodes.UsesStep]:
    """The steps that use an action."""
    return (step for step in _write_out(steps) if isinstance(step, nodes.UsesStep))


def _write_out(
    steps: Sequence[nodes.Step],
) -> list[nodes.RunStep | nodes.UsesStep | nodes.WaitStep | nodes.CancelStep]:
    written: list[nodes.RunStep | nodes.UsesStep | nodes.WaitStep | nodes.CancelStep] = []
    for step in steps:
        if isinstance(step, nodes.ParallelStep):
            written += [msgspec.structs.replace(inner, background=True) for inner in step.steps]
            targets = tuple(StringToken(inner.id, inner.span) for inner in step.steps)
            written.append(
                nodes.WaitStep(id=step.id, named=step.named, name=step.name, targets=targets, span=step.span)
            )
        else:
            written.append(step)
    return written
