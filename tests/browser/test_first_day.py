"""The whole of somebody's first day, with `examples/sdk` and its real pipeline: packages are installed from the package index."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import visiting
from tests.support.first_day import QUICKER, FirstDay
from tests.support.interpreters import require_pythons
from tests.support.serve import served

pytestmark = pytest.mark.xdist_group("browser-first_day")


def test_the_sdk_is_pushed_watched_broken_mended_run_again_and_found_after_a_restart(
    browser: Browser, tmp_path: Path
) -> None:
    require_pythons("3.10", "3.11", "3.12")
    with served(tmp_path / "data", environment=QUICKER) as server, visiting(browser, server) as visitor:
        day = FirstDay(visitor, tmp_path / "villa")
        day.sign_in()
        day.push()
        day.watch()
        day.break_a_test()
        day.mend()
        day.run_again()
        day.find_it_again()
        assert visitor.troubles == []
