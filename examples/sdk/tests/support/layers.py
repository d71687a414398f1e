"""A pytest plugin that ties each folder of tests to its marker.

``pytest tests/unit -m unit`` deselects a test without the marker silently, so such a test would run nowhere but in the
full suite. Collecting one is an error.
"""

from __future__ import annotations

from pathlib import PurePath

import pytest

LAYERS = ("unit", "integration")


def wrong_layer(path: PurePath, markers: set[str]) -> str | None:
    """What is wrong with a test at ``path`` (relative to the tests) that has these markers, or None."""
    layer = path.parts[0]
    if layer not in LAYERS:
        return f"tests stand in {' or '.join(LAYERS)}, not in {layer}"
    if markers & set(LAYERS) != {layer}:
        return f"a test in {layer} is marked {layer}, and nothing else; found {sorted(markers & set(LAYERS)) or 'none'}"
    return None


@pytest.hookimpl(tryfirst=True)  # before -m deselects what has no marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = config.rootpath / "tests"
    complaints = []
    for item in items:
        problem = wrong_layer(item.path.relative_to(tests), {marker.name for marker in item.iter_markers()})
        if problem:
            complaints.append(f"{item.nodeid}: {problem}")
    if complaints:
        raise pytest.UsageError(*complaints)
