"""The script that compares the coverage with its target."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.small

SCRIPT = Path(__file__).parent / "_utils" / "check_coverage.py"
spec = importlib.util.spec_from_file_location("check_coverage", SCRIPT)
assert spec is not None
assert spec.loader is not None
check_coverage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_coverage)


@pytest.mark.parametrize(("covered", "verdict"), [(10, 0), (9, 1)])
def test_the_target_decides(covered: int, verdict: int, tmp_path: Path) -> None:
    (tmp_path / "coverage_target.txt").write_text("100.0\n")
    (tmp_path / "coverage.xml").write_text(
        f'<coverage lines-valid="10" lines-covered="{covered}" branches-valid="2" branches-covered="2"/>'
    )

    assert check_coverage.main(tmp_path) == verdict


def test_nothing_measured_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "coverage_target.txt").write_text("100.0\n")
    assert check_coverage.main(tmp_path) == 1

    (tmp_path / "coverage.xml").write_text(
        '<coverage lines-valid="0" lines-covered="0" branches-valid="0" branches-covered="0"/>'
    )
    assert check_coverage.main(tmp_path) == 1
