"""Which jobs the runners here can take, and the coordinator's end of the conversation with them."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from homeport.plan.model import Leg
from homeport.ports.peer import JobOrder
from homeport.run.facts import StopReason

_WILDCARDS = frozenset("*?[")


class Runners(Protocol):
    """The runners that a coordinator may give jobs to. Called by the coordinator's thread only; no call blocks."""

    def offer(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        """Put a job up, with the secrets that it may ask for: the first free runner takes it."""
        ...

    def stop(self, lease: str, reason: StopReason, *, force: bool) -> None:
        """Withdraw an offer, or tell its runner to stop. Repeating is safe; so is stopping what has ended."""
        ...

    def retry(self, lease: str, step: int) -> None:
        """Let a paused job go on from the step with this number."""
        ...

    def forget(self, lease: str) -> None:
        """The job is completed: nothing more is expected from, or kept for, this lease."""
        ...


class Labels(msgspec.Struct, frozen=True):
    """What the runners here answer to: patterns (`ubuntu-*`) in lower case. `groups` are runner groups by name."""

    patterns: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def find_refusal(self, leg: Leg) -> str | None:
        """Why no runner here can take the leg; None where one can. All labels must be answered, ignoring case (GitHub docs,
        "Choosing the runner for a job").
        """
        if leg.runner_group is not None and leg.runner_group.lower() not in self.groups:
            return f"no runner here belongs to the group '{leg.runner_group}'"
        missing = [label for label in leg.runs_on if not self._answers(label.lower())]
        if not missing:
            return None
        wanted = " and ".join(f"'{label}'" for label in missing)
        return f"no runner here answers to the label {wanted} (there is: {', '.join(self.patterns)})"

    def _answers(self, label: str) -> bool:
        return any(_matches(label, pattern) for pattern in self.patterns)


def _matches(label: str, pattern: str) -> bool:
    """Nearly all patterns are whole labels or `beginning*`, which need no library."""
    beginning = pattern.removesuffix("*")
    if _WILDCARDS.isdisjoint(beginning):
        return label == pattern or (beginning != pattern and label.startswith(beginning))
    from fnmatch import fnmatchcase  # noqa: PLC0415 - what it compiles takes longer than the rest of an offer

    return fnmatchcase(label, pattern)


def machine_labels(system: str, machine: str) -> tuple[str, ...]:
    """The labels of a machine where nobody says otherwise; `system` and `machine` as `os.uname()` names them.

    Besides the labels of GitHub's own runners these are what a self-hosted runner gets by itself (GitHub docs, "Using labels with
    self-hosted runners"): its system and its architecture.
    """
    architecture = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(
        machine.lower(), machine.lower()
    )
    if system == "Darwin":
        return ("macos-*", "macos", "self-hosted", architecture)
    return ("ubuntu-*", "linux", "self-hosted", architecture)
