"""Rules for the whole suite: a clean environment, and in CI nothing is skipped."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REQUIRE_ALL = os.environ.get("HOMEPORT_REQUIRE_ALL") == "1"

# Where a verdict is given, the same examples are tried each time; everywhere else new ones are looked for. A slow machine is no fault.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("verdict", settings.get_profile("search"), derandomize=True)
settings.load_profile("verdict" if REQUIRE_ALL else "search")


@pytest.fixture(autouse=True)
def homeport_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has runs, caches and stores of its own, and sees none of the user's settings."""
    home = tmp_path_factory.mktemp("homeport-home")
    for name in [name for name in os.environ if name.startswith(("HOMEPORT_", "GITHUB_", "RUNNER_", "ACTIONS_"))]:
        if name not in {"HOMEPORT_CONFORMANCE", "HOMEPORT_REQUIRE_ALL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOMEPORT_HOME", str(home))
    return home


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything must run (`.ci/run`), a skipped or expected-to-fail test fails the suite."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not REQUIRE_ALL or reporter is None:
        return
    left_out = [report for kind in ("skipped", "xfailed") for report in reporter.stats.get(kind, [])]
    if left_out:
        for report in left_out:
            reporter.write_line(f"NOT RUN {report.nodeid}: {report.longrepr}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
