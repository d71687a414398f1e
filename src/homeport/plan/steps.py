"""Steps as a plan tells of them: by name, without what only a running job knows."""

from typing import assert_never

import msgspec

from homeport.language import nodes
from homeport.language.tokens import Text
from homeport.plan.evaluation import show_source


class OutlinedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step. `kind` is what it has: run, uses, wait, cancel or parallel (with `steps`); expressions are as they are written."""

    id: str
    kind: str
    name: str
    run: str | None = None
    uses: str | None = None
    condition: str | None = msgspec.field(default=None, name="if")
    background: bool = False
    targets: tuple[str, ...] = ()
    steps: "tuple[OutlinedStep, ...]" = ()


def outline_step(step: nodes.Step) -> OutlinedStep:
    """What a plan tells of a step. A step without a name is called as GitHub calls it."""
    match step:
        case nodes.RunStep():
            run = show_source(step.script)
            name = _name(step.name, f"Run {_first_line(run)}")
            condition = show_condition(step.condition)
            return OutlinedStep(
                id=step.id, kind="run", name=name, run=run, condition=condition, background=step.background
            )
        case nodes.UsesStep():
            uses = step.uses.value
            name = _name(step.name, f"Run {uses}")
            condition = show_condition(step.condition)
            return OutlinedStep(
                id=step.id, kind="uses", name=name, uses=uses, condition=condition, background=step.background
            )
        case nodes.WaitStep():
            targets = () if step.targets is None else tuple(target.value for target in step.targets)
            name = _name(step.name, f"Wait for {', '.join(targets) or 'all background steps'}")
            return OutlinedStep(id=step.id, kind="wait", name=name, targets=targets)
        case nodes.CancelStep():
            target = step.target.value
            return OutlinedStep(id=step.id, kind="cancel", name=_name(step.name, f"Cancel {target}"), targets=(target,))
        case nodes.ParallelStep():
            inner = tuple(outline_step(one) for one in step.steps)
            return OutlinedStep(id=step.id, kind="parallel", name=_name(step.name, "Run in parallel"), steps=inner)
        case _:
            assert_never(step)


def show_condition(condition: nodes.Condition) -> str | None:
    """An `if` as it is written; None for the default."""
    source = condition.expression.source
    return None if source == "success()" else source


def _name(written: Text | None, default: str) -> str:
    return default if written is None else _first_line(show_source(written))


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
