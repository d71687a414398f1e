"""re-actors/alls-green, as its README and its own tests describe it."""

import json
from pathlib import Path

import pytest

from homeport.runner.actions.native import alls_green
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost


@pytest.fixture
def host(tmp_path: Path) -> FolderHost:
    return FolderHost(tmp_path / "job")


def needs(**results: str) -> str:
    return json.dumps({name: {"result": result, "outputs": {}} for name, result in results.items()}, indent=2)


GREEN = {"failure": "false", "result": "success", "success": "true"}
RED = {"failure": "true", "result": "failure", "success": "false"}


@pytest.mark.parametrize(
    ("results", "failures", "skips", "is_green"),
    [
        ({"build": "success"}, "[]", "[]", True),
        ({"build": "failure"}, "[]", "[]", False),
        ({"build": "cancelled"}, "[]", "[]", False),
        ({"build": "skipped"}, "[]", "[]", False),
        ({"build": "success", "docs": "failure"}, "docs", "", True),
        ({"build": "success", "docs": "failure"}, '["docs"]', "[]", True),
        ({"build": "success", "docs": "cancelled"}, "lint, docs", "", True),
        ({"build": "success", "docs": "skipped"}, "docs", "", True),
        ({"build": "success", "docs": "skipped"}, "", "docs", True),
        ({"build": "success", "docs": "failure"}, "", "docs", False),
        ({"build": "success", "docs": "cancelled"}, "[]", '["docs"]', False),
        ({"build": "success", "docs": "failure"}, "docs", "docs", True),
        ({"build": "failure", "docs": "success"}, "docs", "docs", False),
        ({"build": "success"}, "not-a-job", "neither", True),
    ],
)
def test_jobs_are_judged(host: FolderHost, results: dict[str, str], failures: str, skips: str, is_green: bool) -> None:
    inputs = {"jobs": needs(**results), "allowed_failures": failures, "allowed_skips": skips}
    if is_green:
        host.use(alls_green, **inputs)
    else:
        with pytest.raises(ActionError, match="Some of the required to succeed jobs failed"):
            host.use(alls_green, **inputs)
    assert host.outputs == (GREEN if is_green else RED)


def test_the_verdict_is_printed_and_in_the_summary(host: FolderHost) -> None:
    jobs = needs(build="success", docs="failure", site="skipped", extra="cancelled")
    with pytest.raises(ActionError):
        host.use(alls_green, jobs=jobs, allowed_failures="docs", allowed_skips="site")
    assert host.lines == [
        "# ❌ Some of the required to succeed jobs failed 😢😢😢",
        "",
        "🛈 Some of the allowed to fail jobs did not succeed.",
        "🛈 Some of the allowed to be skipped jobs did not succeed.",
        "📝 Job statuses:",
        "📝 build → ✓ success [required to succeed]",
        "📝 docs → ❌ failure [allowed to fail]",
        "📝 site → ⬜ skipped [required to succeed or be skipped]",
        "📝 extra → ⬜ cancelled [required to succeed]",
    ]
    assert host.summaries == ["\n".join([*host.lines, ""])]


def test_what_all_may_do_and_did_not_is_said(host: FolderHost) -> None:
    host.use(alls_green, jobs=needs(build="success", docs="success"), allowed_failures="docs", allowed_skips="docs")
    assert host.lines[0] == "# ✓ All of the required dependency jobs succeeded 🎉🎉🎉"
    assert "🛈 All of the allowed to fail dependency jobs succeeded." in host.lines
    assert "🛈 All of the allowed to be skipped dependency jobs succeeded." in host.lines


@pytest.mark.parametrize("jobs", ["{}", "null"])
def test_a_check_that_needs_nothing_is_red(host: FolderHost, jobs: str) -> None:
    with pytest.raises(ActionError, match="please provide a non-empty `needs` context"):
        host.use(alls_green, jobs=jobs)
    assert "Invalid input jobs matrix" in host.summaries[0]


@pytest.mark.parametrize("jobs", ["build", "[]", '{"a": 1}', '{"a": {}}'])
def test_what_is_no_needs_context_is_an_error(host: FolderHost, jobs: str) -> None:
    with pytest.raises(ActionError, match="is not what `toJSON"):
        host.use(alls_green, jobs=jobs)


def test_jobs_are_required(host: FolderHost) -> None:
    with pytest.raises(ActionError, match="Input required and not supplied: jobs"):
        host.use(alls_green)
