"""What was found out about a machine and about the jobs that are to run on it: values, for people and for JSON."""

from typing import Literal

import msgspec

from homeport.cli.machine.remedies import Remedy

Status = Literal["ready", "limited", "missing"]
"""`limited`: there, but not for everything"""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that jobs may want of a machine. `detail` says which version it is, where it was found, or what is wrong."""

    area: str
    name: str
    status: Status
    detail: str = ""
    remedy: Remedy | None = None


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job cannot run here, and where its workflow says so."""

    message: str
    file: str
    line: int
    remedy: Remedy | None = None


class JobVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a job can run here. `legs` is how many it has, as far as that is known. `notes` may matter, and do not keep it from running."""

    id: str
    name: str
    legs: int
    lacks: tuple[Lack, ...] = ()
    notes: tuple[Lack, ...] = ()


class WorkflowVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a workflow; `refused` says why GitHub itself would not take it (it has no jobs then)."""

    file: str
    name: str
    jobs: tuple[JobVerdict, ...] = ()
    refused: str = ""
