"""Finds runs, jobs and artifacts for answers, in one repository."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from homeport.ports.artifacts import Artifact, ArtifactStore
from homeport.ports.directory import HostedRepository
from homeport.ports.events import WorkflowRegistry
from homeport.ports.history import RunFilter, RunHistory
from homeport.ports.people import People
from homeport.rest.entries import JobEntry, PersonEntry, RunEntry
from homeport.rest.journal import ReadRun
from homeport.run.facts import AnnotationRaised, RunFact, SummaryWritten

_MOST_COUNTED = 100_000

ReadFacts = Callable[[str, int, Sequence[str]], Sequence[RunFact]]
"""The facts of some kinds (as they are called on the wire) of an attempt."""


class Reading:
    """What history knows, with the numbers by which workflows and people are found here."""

    def __init__(
        self,
        history: RunHistory,
        workflows: WorkflowRegistry,
        people: People,
        artifacts: ArtifactStore,
        read_facts: ReadFacts,
    ) -> None:
        self._history = history
        self._people = people
        self._workflows = workflows
        self._artifacts = artifacts
        self._read_facts = read_facts

    def find(self, repository: HostedRepository, run: int, attempt: int | None = None) -> ReadRun | None:
        """A run's attempt (the latest where none is named) with its jobs."""
        found = self._history.get(str(run), attempt)
        if found is None or found.repository_id != repository.id:
            return None
        jobs = self._history.jobs(found.id, found.entry.attempt)
        return ReadRun(self._names(repository).complete(found.entry), tuple(job.entry for job in jobs))

    def list(
        self, repository: HostedRepository, wanted: RunFilter, offset: int, limit: int
    ) -> tuple[int, Sequence[RunEntry]]:
        """How many there are, and some of them, the newest first."""
        wanted = msgspec.structs.replace(wanted, repositories=(repository.id,))
        total = self._history.count(wanted, most=_MOST_COUNTED).number
        if offset >= total:
            return total, ()
        names = self._names(repository)
        return total, [names.complete(run.entry) for run in self._history.page(wanted, offset=offset, limit=limit)]

    def find_job(self, repository: HostedRepository, job: int) -> tuple[RunEntry, JobEntry] | None:
        """A job by its number, with the attempt that it is of."""
        found = self._history.job(job)
        run = None if found is None else self._history.get(found.run, found.attempt)
        if found is None or run is None or run.repository_id != repository.id:
            return None
        return self._names(repository).complete(run.entry), found.entry

    def newest(self, repository: HostedRepository) -> RunEntry | None:
        """The run that began last."""
        found = self._history.find(RunFilter(repositories=(repository.id,)), limit=1).runs
        return found[0].entry if found else None

    def artifacts(
        self, repository: HostedRepository, name: str | None, offset: int, limit: int
    ) -> tuple[int, Sequence[tuple[Artifact, RunEntry]]]:
        """How many there are (of this name, where one is asked for), of all runs, and some of them, the newest first. To count them takes
        a look into the folder of every run; the runs themselves, which take far longer, are looked up for those that are given only.
        """
        own = self._history.numbers(repository.id)
        runs = [run for run in self._artifacts.runs() if run in own]
        found = [each for run in runs for each in self._artifacts.list(run) if name in {None, each.name}]
        found.sort(key=lambda each: -int(each.id))
        shown = found[offset : offset + limit]
        known = {run: self._history.get(run) for run in dict.fromkeys(each.run for each in shown)}
        return len(found), [(each, of.entry) for each in shown if (of := known[each.run]) is not None]

    def find_artifact(self, repository: HostedRepository, artifact: str) -> tuple[Artifact, RunEntry] | None:
        """By its number. The newest runs are looked at first, and none after its own."""
        of_all = (each for run in self._artifacts.runs() for each in self._artifacts.list(run))
        found = next((each for each in of_all if each.id == artifact), None)
        run = None if found is None else self._history.get(found.run)
        if found is None or run is None or run.repository_id != repository.id:
            return None
        return found, run.entry

    def annotations(self, run: int, attempt: int, job: str) -> Sequence[AnnotationRaised]:
        """Of a job, in the order in which they were raised."""
        facts = self._read_facts(str(run), attempt, ("annotation_raised",))
        return [fact for fact in facts if isinstance(fact, AnnotationRaised) and fact.job == job]

    def summary(self, run: int, attempt: int, job: str) -> str:
        """What a job's steps have written for people, as Markdown."""
        facts = self._read_facts(str(run), attempt, ("summary_written",))
        return "\n".join(fact.markdown for fact in facts if isinstance(fact, SummaryWritten) and fact.job == job)

    def _names(self, repository: HostedRepository) -> "_Names":
        return _Names({each.path: each.id for each in self._workflows.list(repository.id)}, self._people)


class _Names:
    """Puts the numbers in that entries do not have: a workflow's from the registry, a person's from the server's people."""

    def __init__(self, workflows: Mapping[str, int], people: People) -> None:
        self._workflows = workflows
        self._people = people
        self._known: dict[str, PersonEntry] = {}

    def complete(self, run: RunEntry) -> RunEntry:
        """The entry with all that is known."""
        return msgspec.structs.replace(
            run,
            workflow_id=self._workflows.get(run.workflow, run.workflow_id),
            actor=self._find(run.actor),
            triggering_actor=self._find(run.triggering_actor),
        )

    def _find(self, person: PersonEntry) -> PersonEntry:
        if person.id:
            return person  # a forge's
        if person.login not in self._known:
            user = self._people.find(person.login)
            self._known[person.login] = person if user is None else PersonEntry(user.login, user.id)
        return self._known[person.login]
