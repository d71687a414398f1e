"""Which jobs the runners here can take."""

import pytest

from homeport.coordinator.dispatch import Labels, machine_labels
from homeport.plan.model import Leg

LINUX = Labels(machine_labels("Linux", "x86_64"))


def leg(*labels: str, group: str | None = None) -> Leg:
    return Leg(key="build", job_id="build", name="build", runs_on=labels, runner_group=group)


@pytest.mark.parametrize(
    "labels",
    [
        ("ubuntu-latest",),
        ("ubuntu-24.04",),
        ("Ubuntu-Latest",),
        ("self-hosted",),
        ("self-hosted", "Linux", "X64"),
        (),
    ],
)
def test_a_machine_answers_to_its_labels_ignoring_case(labels: tuple[str, ...]) -> None:
    assert LINUX.find_refusal(leg(*labels)) is None


@pytest.mark.parametrize(
    "labels", [("windows-latest",), ("macos-14",), ("self-hosted", "gpu"), ("ubuntu",), ("ARM64",), ("linux-xl",)]
)
def test_one_label_that_nobody_answers_is_enough_to_refuse(labels: tuple[str, ...]) -> None:
    refusal = LINUX.find_refusal(leg(*labels))
    assert refusal is not None
    assert f"'{labels[-1]}'" in refusal
    assert refusal.startswith("no runner")


def test_a_refusal_names_every_label_that_is_missing_and_what_there_is() -> None:
    refusal = LINUX.find_refusal(leg("self-hosted", "gpu", "big"))
    assert (
        refusal == "no runner here answers to the label 'gpu' and 'big' (there is: ubuntu-*, linux, self-hosted, x64)"
    )


def test_a_runner_group_has_to_be_known() -> None:
    assert LINUX.find_refusal(leg("linux", group="Big")) == "no runner here belongs to the group 'Big'"
    assert Labels(("linux",), groups=("big",)).find_refusal(leg("linux", group="Big")) is None


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "aarch64", "arm64"),
        ("Linux", "riscv64", "riscv64"),
        ("Darwin", "arm64", "macos-*"),
    ],
)
def test_labels_follow_the_machine(system: str, machine: str, expected: str) -> None:
    assert expected in machine_labels(system, machine)
