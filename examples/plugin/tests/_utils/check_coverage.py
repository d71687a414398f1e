"""Compares the measured coverage (coverage.xml) with coverage_target.txt; exit code 1 where it is below.

uv run pytest && uv run python tests/_utils/check_coverage.py
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]


def measured_percent(report: Path) -> float:
    """Lines and branches covered, of all lines and branches."""
    numbers = ElementTree.parse(report).getroot().attrib
    valid = int(numbers["lines-valid"]) + int(numbers["branches-valid"])
    covered = int(numbers["lines-covered"]) + int(numbers["branches-covered"])
    return 100 * covered / valid if valid else 0.0


def main(root: Path) -> int:
    """Say what was measured and what was wanted."""
    report = root / "coverage.xml"
    if not report.exists():
        print("there is no coverage.xml: run pytest first", file=sys.stderr)
        return 1
    target = float((root / "coverage_target.txt").read_text())
    percent = measured_percent(report)
    print(f"coverage {percent:.2f} %, target {target:.2f} %")
    return 0 if percent >= target else 1


if __name__ == "__main__":
    sys.exit(main(ROOT))
