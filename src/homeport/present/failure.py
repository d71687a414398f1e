"""A failure where it happened: the step, its last lines, what it raised."""

from homeport.present.run_view import JobView, StepView
from homeport.present.words import SEVERITY_COLOURS, is_exit_notice, paint, show_place

_SHOWN_LINES = 20


def render_failed_step(job: JobView, step: StepView, *, colour: bool = False) -> str:
    """The last lines of a failed step with the annotations that it raised, under a heading that names both."""
    code = f" (exit code {step.exit_code})" if step.exit_code else ""  # 0: something else failed it
    rows = [paint(f"✗ {job.name} › {step.name}{code}", "1;31", colour)]
    lines = [line for line in step.tail if not line.startswith("##[")][-_SHOWN_LINES:]
    rows += [f"  {paint('│', '31', colour)} {line}" for line in lines]
    raised = [fact for fact in job.annotations if fact.step == step.id and not is_exit_notice(fact.message)]
    if step.reason and not is_exit_notice(step.reason) and step.reason not in [fact.message for fact in raised]:
        rows.append(f"  {step.reason}")
    for annotation in raised:
        place = show_place(annotation)
        severity = paint(annotation.severity, SEVERITY_COLOURS[annotation.severity], colour)
        rows.append(f"  {severity}: {f'{place}: ' if place else ''}{annotation.message}")
    return "\n".join(rows)
