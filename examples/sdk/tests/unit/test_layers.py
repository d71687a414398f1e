"""Every test belongs to exactly one layer, so none is silently deselected."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.support.layers import wrong_layer

pytestmark = pytest.mark.unit


def test_a_marked_test_in_its_folder_is_right() -> None:
    assert wrong_layer(PurePath("unit/test_x.py"), {"unit", "parametrize"}) is None


@pytest.mark.parametrize(
    ("path", "markers", "complaint"),
    [
        ("unit/test_x.py", set(), "found none"),
        ("unit/test_x.py", {"integration"}, "found ['integration']"),
        ("unit/test_x.py", {"unit", "integration"}, "found ['integration', 'unit']"),
        ("end_to_end/test_x.py", {"unit"}, "not in end_to_end"),
    ],
)
def test_a_test_of_no_layer_or_of_two_is_wrong(path: str, markers: set[str], complaint: str) -> None:
    problem = wrong_layer(PurePath(path), markers)

    assert problem is not None
    assert complaint in problem


def test_an_unmarked_test_stops_the_collection(pytester: pytest.Pytester) -> None:
    unit = pytester.mkdir("tests") / "unit"
    unit.mkdir()
    (unit / "test_forgotten.py").write_text("def test_forgotten(): pass\n")

    result = pytester.runpytest_inprocess("-p", "tests.support.layers", "-m", "unit", "tests")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_forgotten*a test in unit is marked unit*"])
