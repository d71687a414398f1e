"""How many tests there are of each size, and whether the mix is healthy."""

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_test_categories.sizes import SIZES


def describe_distribution(names: Iterable[str]) -> Iterator[str]:
    """One line for each size; a size that is off its target says so."""
    counts = Counter(names)
    total = counts.total()
    for size in SIZES:
        share = 100 * counts[size.name] / total if total else 0.0
        line = f"{size.name:<8}{counts[size.name]:>6}{share:>8.1f} %  target {size.target_percent:g} %"
        off = total > 0 and abs(share - size.target_percent) > size.tolerance_percent
        yield f"{line}  off target" if off else line
