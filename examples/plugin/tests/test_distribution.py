"""The report of the mix of sizes."""

import pytest

from pytest_test_categories.distribution import describe_distribution
from pytest_test_categories.sizes import SIZES, sizes_of

pytestmark = pytest.mark.small


def test_a_healthy_mix_is_on_target() -> None:
    lines = list(describe_distribution(["small"] * 80 + ["medium"] * 15 + ["large"] * 4 + ["xlarge"]))

    assert lines[0] == "small       80    80.0 %  target 80 %"
    assert not any("off target" in line for line in lines)


def test_too_few_small_tests_are_off_target() -> None:
    lines = list(describe_distribution(["small"] * 50 + ["medium"] * 50))

    assert [line.endswith("off target") for line in lines] == [True, True, False, False]


def test_no_tests_have_no_mix() -> None:
    assert [line.split()[1] for line in describe_distribution([])] == ["0"] * len(SIZES)


def test_the_targets_are_a_whole() -> None:
    assert sum(size.target_percent for size in SIZES) == 100


def test_other_markers_give_no_size() -> None:
    assert sizes_of({"parametrize", "usefixtures"}) == []
    assert [size.name for size in sizes_of({"medium", "skipif"})] == ["medium"]
