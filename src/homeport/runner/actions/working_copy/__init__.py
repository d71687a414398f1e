"""Makes working copies of the running repository as this machine has it: fast, complete, and without ever writing to the original."""

from homeport.runner.actions.working_copy.copy import CopyReport, CopyRequest, make_working_copy
from homeport.runner.actions.working_copy.source import SourceTree, Target, WorkingCopyError, inspect_source

__all__ = [
    "CopyReport",
    "CopyRequest",
    "SourceTree",
    "Target",
    "WorkingCopyError",
    "inspect_source",
    "make_working_copy",
]
