"""The outputs of all jobs of a run together (GitHub docs, "Passing information between jobs": 50 MB a run)."""

import pytest

from homeport.coordinator.output_limit import MOST_BYTES
from homeport.run.facts import AnnotationRaised, JobFinished
from tests.support.coordination import Bench, World
from tests.support.plans import plan_of, written_job

HALF = "x" * (MOST_BYTES // 4 - 1)
"""In UTF-16, and with a name of one character, half of what is allowed."""
PLAN = plan_of(written_job("a"), written_job("b"), written_job("c"), written_job("after", "c"))


@pytest.fixture
def bench() -> Bench:
    return World().process()


def ends(bench: Bench) -> dict[str, tuple[str, int]]:
    return {fact.job: (fact.conclusion, len(fact.outputs)) for fact in bench.of(JobFinished)}


def test_jobs_may_use_all_that_is_allowed_together(bench: Bench) -> None:
    run = bench.submit(PLAN)
    bench.finish("a", outputs={"o": HALF})
    bench.finish("b", outputs={"o": HALF})
    bench.finish("c", outputs={})
    bench.finish("after")
    assert bench.coordinator.conclusions == {run: "success"}
    assert ends(bench)["b"] == ("success", 1)


def test_the_job_that_goes_beyond_fails_with_its_reason_and_its_outputs_are_left_out(bench: Bench) -> None:
    run = bench.submit(PLAN)
    bench.finish("a", outputs={"o": HALF})
    bench.finish("b", outputs={"o": HALF})
    bench.finish("c", outputs={"o": ""})
    assert ends(bench) == {"a": ("success", 1), "b": ("success", 1), "c": ("failure", 0), "after": ("skipped", 0)}
    (raised,) = bench.of(AnnotationRaised)
    assert (raised.job, raised.severity) == ("c", "error")
    assert "52,428,800 bytes" in raised.message
    assert bench.coordinator.conclusions == {run: "failure"}


def test_a_job_that_was_cancelled_stays_cancelled(bench: Bench) -> None:
    bench.submit(PLAN)
    bench.finish("a", outputs={"o": HALF})
    bench.finish("c", "cancelled", outputs={"o": HALF + "x"})
    assert ends(bench)["c"] == ("cancelled", 0)
