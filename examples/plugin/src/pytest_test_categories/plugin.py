"""The hooks: sizes are checked at collection, held to their limits while running, and reported at the end."""

import warnings
from collections.abc import Iterator

import pytest

from pytest_test_categories.distribution import describe_distribution
from pytest_test_categories.sizes import SIZES, sizes_of

_SIZE_NAMES = pytest.StashKey[list[str]]()


class UnsizedTestWarning(pytest.PytestWarning):
    """A test has no size."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "test_categories_enforcement",
        "what a test without a size is: 'strict' an error, 'warn' a warning, 'off' nothing",
        default="warn",
    )
    group = parser.getgroup("test categories")
    group.addoption("--test-sizes", action="store_true", help="report how many tests there are of each size")


def pytest_configure(config: pytest.Config) -> None:
    for size in SIZES:
        config.addinivalue_line("markers", size.marker_line)
    enforcement = config.getini("test_categories_enforcement")
    if enforcement not in {"strict", "warn", "off"}:
        raise pytest.UsageError(f"test_categories_enforcement is strict, warn or off, not {enforcement!r}")


@pytest.hookimpl(tryfirst=True)  # before -m and -k deselect: a test must not hide its missing size
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    enforcement = config.getini("test_categories_enforcement")
    names, complaints = [], []
    for item in items:
        sizes = [size.name for size in sizes_of({marker.name for marker in item.iter_markers()})]
        if len(sizes) > 1:
            complaints.append(f"{item.nodeid} has {len(sizes)} sizes: {', '.join(sizes)}")
        elif sizes:
            names.append(sizes[0])
        elif enforcement == "strict":
            complaints.append(f"{item.nodeid} has no size: mark it small, medium, large or xlarge")
        elif enforcement == "warn":
            warnings.warn(UnsizedTestWarning(f"{item.nodeid} has no size"), stacklevel=1)
    if complaints:
        raise pytest.UsageError(*complaints)
    config.stash[_SIZE_NAMES] = names


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield
    if call.when == "call" and report.passed:
        for size in sizes_of({marker.name for marker in item.iter_markers()}):
            if call.duration > size.limit_seconds:
                report.outcome = "failed"
                report.longrepr = (
                    f"a {size.name} test took {call.duration:.2f} s, its limit is {size.limit_seconds:g} s"
                )
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--test-sizes"):
        terminalreporter.section("test sizes")
        for line in describe_distribution(config.stash.get(_SIZE_NAMES, [])):
            terminalreporter.write_line(line)
