"""Shows what was found out to people: aligned, coloured on terminals only."""

from collections.abc import Iterable, Iterator, Sequence

from homeport.cli.machine.model import JobVerdict, Lack, Part, Status, WorkflowVerdict
from homeport.cli.machine.remedies import Installation, Remedy, render_command, render_remedy

_MARKS: dict[Status, tuple[str, str]] = {"ready": ("✓", "32"), "limited": ("!", "33"), "missing": ("✗", "31")}


class Report:
    """Builds the text."""

    def __init__(self, installation: Installation, *, colour: bool) -> None:
        self._installation = installation
        self._colour = colour

    def render(self, parts: Sequence[Part], workflows: Sequence[WorkflowVerdict]) -> str:
        """The machine, the workflows if there are any, and the commands that bring what is missing."""
        lines = [*self._machine(parts), *self._workflows(workflows), *self._closing(parts, workflows)]
        return "\n".join(lines) + "\n"

    # --- the machine -------------------------------------------------------------------------------------------------

    def _machine(self, parts: Sequence[Part]) -> Iterator[str]:
        for area in dict.fromkeys(part.area for part in parts):
            yield self._paint(area, "1")
            here = [part for part in parts if part.area == area]
            width = max(len(part.name) for part in here)
            for part in here:
                mark, colour = _MARKS[part.status]
                yield f"  {self._paint(mark, colour)} {part.name:{width}}  {part.detail}".rstrip()

    # --- the workflows -----------------------------------------------------------------------------------------------

    def _workflows(self, workflows: Sequence[WorkflowVerdict]) -> Iterator[str]:
        for workflow in workflows:
            yield ""
            named = "" if workflow.name == workflow.file else f"  {workflow.name}"
            yield self._paint(workflow.file, "1") + named
            if workflow.refused:
                yield f"  {self._paint('✗', '31')} {workflow.refused}"
            for job in workflow.jobs:
                yield from self._job(job)

    def _job(self, job: JobVerdict) -> Iterator[str]:
        mark = self._paint("✗", "31") if job.lacks else self._paint("✓", "32")
        legs = f" ({job.legs} legs)" if job.legs > 1 else ""
        yield f"  {mark} {job.name}{legs}"
        yield from self._lacks(job.lacks, "31")
        yield from self._lacks(job.notes, "33")

    def _lacks(self, lacks: Iterable[Lack], colour: str) -> Iterator[str]:
        for lack in lacks:
            bullet = self._paint("·", colour)
            yield f"      {bullet} {lack.message}  {self._paint(f'{lack.file}:{lack.line}', '2')}"
            if lack.remedy is not None:
                yield f"        {render_remedy(lack.remedy, self._installation)}"

    # --- what to do --------------------------------------------------------------------------------------------------

    def _closing(self, parts: Sequence[Part], workflows: Sequence[WorkflowVerdict]) -> Iterator[str]:
        needed = list_needed(workflows)
        optional = [part.remedy for part in parts if part.remedy is not None and part.remedy not in needed]
        yield ""
        if any(workflow.refused or any(job.lacks for job in workflow.jobs) for workflow in workflows):
            yield self._paint("Not everything that these workflows need is here.", "31")
        elif workflows:
            yield self._paint("This machine has what these workflows need.", "32")
        yield from self._command("What they need, in one command:", needed)
        yield from self._command("What else this machine could have:", optional)

    def _command(self, title: str, remedies: Sequence[Remedy]) -> Iterator[str]:
        command = render_command(remedies, self._installation)
        if command:
            yield title
            yield f"  {command}"

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def list_needed(workflows: Iterable[WorkflowVerdict]) -> list[Remedy]:
    """What brings what the jobs lack, and what their scripts seem to call."""
    lacks = (lack for workflow in workflows for job in workflow.jobs for lack in (*job.lacks, *job.notes))
    return list(dict.fromkeys(lack.remedy for lack in lacks if lack.remedy is not None))
