"""Brings the plan of a run that is run again up to what the workflows of other repositories are now."""

from collections.abc import Iterable

from homeport.cli.errors import CommandError
from homeport.plan.calls import MissingFile
from homeport.plan.files import FetchInterruptedError
from homeport.plan.model import Plan
from homeport.plan.planner import Missing
from homeport.plan.refresh import refresh_calls
from homeport.store.remote_workflows import RemoteWorkflows


def refresh_plan(plan: Plan, files: RemoteWorkflows) -> Plan:
    """A stored plan with the workflows of other repositories as they are now. Raises `CommandError` where they do not fit any more."""
    can_fetch = True
    while True:
        outcome = refresh_calls(plan, files.load, files, can_fetch=can_fetch)
        match outcome:
            case Missing(files=missing):
                can_fetch = _fetch(files, missing)
            case Plan():
                return outcome
            case mistakes:
                first = mistakes[0]
                place = f"{first.span.file}:{first.span.line}:{first.span.column}"
                raise CommandError(
                    f"{place}: {first.message}", "`homeport rerun --failed` keeps what was called before"
                )


def _fetch(files: RemoteWorkflows, missing: Iterable[MissingFile]) -> bool:
    try:
        return files.fetch(missing, {})
    except FetchInterruptedError as error:
        raise CommandError("fetching workflows of other repositories was interrupted") from error
