"""The sizes a test can have, after Google's small, medium and large."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A size: the marker that gives it, how long such a test may take, and how many there should be."""

    name: str
    limit_seconds: float
    target_percent: float
    tolerance_percent: float

    @property
    def marker_line(self) -> str:
        """How ``pytest --markers`` describes the size."""
        return f"{self.name}: a {self.name} test, done in {self.limit_seconds:g} s"


SIZES = (
    Size("small", limit_seconds=1, target_percent=80, tolerance_percent=5),
    Size("medium", limit_seconds=300, target_percent=15, tolerance_percent=5),
    Size("large", limit_seconds=900, target_percent=4, tolerance_percent=4),
    Size("xlarge", limit_seconds=3600, target_percent=1, tolerance_percent=1),
)


def sizes_of(markers: set[str]) -> list[Size]:
    """The sizes among a test's markers."""
    return [size for size in SIZES if size.name in markers]
