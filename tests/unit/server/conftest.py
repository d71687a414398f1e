"""Fixtures of the tests of what forges are told and asked: the part of a server that reports, and what stands in for forges."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.bench import ReportingBench, reporting_bench
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ReportingBench]:
    with reporting_bench(tmp_path) as made:
        yield made


@pytest.fixture(params=["github", "gitea"])
def forge(request: pytest.FixtureRequest) -> Iterator[GitHubStandIn | GiteaStandIn]:
    """Each of them, and no request that its schema does not know."""
    with GitHubStandIn() if request.param == "github" else GiteaStandIn() as made:
        yield made
    assert made.faults == []


@pytest.fixture
def github() -> Iterator[GitHubStandIn]:
    with GitHubStandIn() as made:
        yield made
    assert made.faults == []
