"""How endings add up: steps' failures to a job's, legs' to a job's, inner jobs' to a call's, jobs' to a run's.

Sources: GitHub docs, "Workflow syntax: jobs.<job_id>.continue-on-error" and "strategy.fail-fast"; actions/runner#1161 (a failed job
with `continue-on-error` is a success to `needs`); actions/github-script#147, where a GitHub engineer says that a run is skipped only
if all of its jobs were, and otherwise takes the gravest conclusion; github/docs#30296 for calls.
"""

from collections.abc import Iterable, Mapping

from homeport.run.facts import Conclusion

GRAVITY: tuple[Conclusion, ...] = ("failure", "cancelled", "success", "skipped")
"""The first of these that occurs is the conclusion of the whole; so only a whole of nothing but skipped parts is skipped."""


def worst(conclusions: Iterable[Conclusion]) -> Conclusion:
    """The conclusion of several parts together; skipped where there is no part at all."""
    found = set(conclusions)
    return next((conclusion for conclusion in GRAVITY if conclusion in found), "skipped")


def conclude_job(outcome: Conclusion, *, continue_on_error: bool) -> Conclusion:
    """A leg's conclusion: a failure is forgiven by `continue-on-error`, a cancellation (running out of time is one) is not."""
    return "success" if outcome == "failure" and continue_on_error else outcome


def conclude_call(inner: Iterable[Conclusion], *, stopped: bool) -> Conclusion:
    """A call's conclusion; one that was stopped before anything in it ran is cancelled, not skipped."""
    conclusion = worst(inner)
    return "cancelled" if stopped and conclusion == "skipped" else conclusion


def conclude_run(jobs: Iterable[Conclusion], *, cancelled: bool) -> Conclusion:
    """A run's conclusion. A cancelled run is cancelled even if all that still ran succeeded, but a failure in it stays a failure.

    Source: community discussion 41224 (a run with a failed job that was then cancelled is a failure in the REST API).
    """
    conclusion = worst(jobs)
    return "cancelled" if cancelled and conclusion != "failure" else conclusion


def merge_outputs(earlier: Mapping[str, str], later: Mapping[str, str]) -> dict[str, str]:
    """The outputs of a job's legs together, in the order in which the legs finished: the last one that is set wins.

    An output that is empty in a leg is not set there. Source: GitHub docs, "Workflow syntax: Using Job Outputs in a Matrix Job".
    """
    return {**earlier, **{name: value for name, value in later.items() if value or name not in earlier}}
