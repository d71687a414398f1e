"""How endings add up."""

import pytest

from homeport.run.conclusion import conclude_call, conclude_job, conclude_run, merge_outputs, worst
from homeport.run.facts import Conclusion


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), "skipped"),
        (("skipped",), "skipped"),
        (("skipped", "success"), "success"),
        (("success", "cancelled", "skipped"), "cancelled"),
        (("cancelled", "failure", "success"), "failure"),
    ],
)
def test_the_gravest_part_is_the_whole(parts: tuple[Conclusion, ...], whole: Conclusion) -> None:
    assert worst(parts) == whole


@pytest.mark.parametrize(
    ("outcome", "strict", "forgiven"),
    [
        ("success", "success", "success"),
        ("failure", "failure", "success"),
        ("cancelled", "cancelled", "cancelled"),
        ("skipped", "skipped", "skipped"),
    ],
)
def test_continue_on_error_forgives_failures_only(
    outcome: Conclusion, strict: Conclusion, forgiven: Conclusion
) -> None:
    assert conclude_job(outcome, continue_on_error=False) == strict
    assert conclude_job(outcome, continue_on_error=True) == forgiven


def test_a_call_that_was_stopped_before_anything_ran_is_cancelled() -> None:
    assert conclude_call(["skipped"], stopped=True) == "cancelled"
    assert conclude_call(["skipped"], stopped=False) == "skipped"
    assert conclude_call(["success", "skipped"], stopped=True) == "success"


def test_a_cancelled_run_is_cancelled_unless_something_failed() -> None:
    assert conclude_run(["success", "skipped"], cancelled=True) == "cancelled"
    assert conclude_run(["failure", "cancelled"], cancelled=True) == "failure"
    assert conclude_run(["success", "skipped"], cancelled=False) == "success"


def test_the_last_output_that_is_set_wins() -> None:
    assert merge_outputs({"a": "1", "b": "1"}, {"a": "2", "b": "", "c": ""}) == {"a": "2", "b": "1", "c": ""}
