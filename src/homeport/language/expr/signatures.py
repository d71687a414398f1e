"""Which functions there are, and how many arguments each takes: names as GitHub writes them, compared ignoring case.

Source: actions/runner `ExpressionConstants`, and the `context` lists of its workflow schema (`success(0,MAX)`, `hashFiles(1,255)`).
"""

from collections.abc import Mapping
from types import MappingProxyType

ANY_NUMBER = 2_147_483_647

WELL_KNOWN: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "contains": (2, 2),
        "endsWith": (2, 2),
        "format": (1, 255),
        "join": (1, 2),
        "startsWith": (2, 2),
        "toJSON": (1, 1),
        "fromJSON": (1, 1),
        "case": (3, 255),
    }
)
"""Allowed wherever an expression is."""

STATUS_FUNCTIONS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"always": (0, 0), "cancelled": (0, 0), "success": (0, ANY_NUMBER), "failure": (0, ANY_NUMBER)}
)
"""In the `if` of a job, where `success` and `failure` may name jobs."""

STEP_STATUS_FUNCTIONS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"always": (0, 0), "cancelled": (0, 0), "success": (0, 0), "failure": (0, 0)}
)
"""In the `if` of a step."""

HASH_FILES: Mapping[str, tuple[int, int]] = MappingProxyType({"hashFiles": (1, 255)})
"""On the keys that the runner evaluates."""
