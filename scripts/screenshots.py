"""Takes the pictures of the server's pages that the manual shows: `python scripts/screenshots.py` (needs Chromium).

With `first-day` it takes those of somebody's first day instead: examples/sdk is pushed, watched, broken and mended, which takes minutes.
"""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.browser import Visitor, chromium, visiting  # noqa: E402 - found only now
from tests.support.first_day import QUICKER, FirstDay  # noqa: E402
from tests.support.past_runs import PastRuns  # noqa: E402
from tests.support.serve import served  # noqa: E402

WORKFLOW = """
name: CI
on: push
jobs:
  lint: {name: Lint, runs-on: ubuntu-latest, steps: [{run: make}]}
  unit:
    name: Unit
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ["3.10", "3.11", "3.12", "3.13"], system: [linux, macos, windows]}}
    steps: [{run: make}]
  integration: {name: Integration, runs-on: ubuntu-latest, steps: [{run: make}]}
  build: {name: Build, needs: [lint, unit, integration], runs-on: ubuntu-latest, steps: [{run: make}]}
  docs: {name: Manual, needs: [lint], runs-on: ubuntu-latest, steps: [{run: make}]}
  gate: {name: CI success, needs: [lint, unit, integration, build, docs], runs-on: ubuntu-latest, steps: [{run: make}]}
"""
TITLES = ("Reserve stock under concurrency", "Round money half to even", "Let carts expire", "Refund in parts")
LEG = "unit (3.12, linux)"
SAID = """\
##[group]Run python -m pytest -m unit
\x1b[36;1mpython -m pytest -m unit\x1b[0m
##[endgroup]
\x1b[1m======================== test session starts =========================\x1b[0m
collected 214 items

tests/test_cart.py \x1b[32m......................................\x1b[0m              [ 17%]
tests/test_money.py \x1b[32m............................................\x1b[0m        [ 38%]
tests/test_stock.py \x1b[32m..............\x1b[31mF\x1b[32m.............................\x1b[0m        [ 59%]

\x1b[1m\x1b[31mtests/test_stock.py\x1b[0m:48: in test_two_buyers_of_the_last_one
\x1b[1m\x1b[31mE       assert 41 == 42\x1b[0m
\x1b[31m==================== \x1b[1m1 failed\x1b[0m, \x1b[32m213 passed\x1b[0m\x1b[31m in 8.41s ====================\x1b[0m
##[error]Process completed with exit code 1."""
PICTURES = {"home": "/", "runs": "/octo/shop/actions", "run": "/octo/shop/actions/runs/{run}"}


FIRST_DAY = {"run": "server-first-day", "why": "server-first-day-red"}


def main() -> None:
    """All, or those of the first day."""
    if sys.argv[1:] == ["first-day"]:
        live_through_first_day()
    else:
        show_past_weeks()


def live_through_first_day() -> None:
    """As `tests/browser/test_first_day.py` does."""
    options = {"viewport": {"width": 1200, "height": 780}, "color_scheme": "light"}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with (
            served(data, environment=QUICKER) as server,
            chromium() as browser,
            visiting(browser, server, **options) as visitor,
        ):
            day = FirstDay(visitor, Path(folder) / "villa", lambda name: take_for_first_day(visitor, name))
            for act in (day.sign_in, day.push, day.watch, day.break_a_test, day.mend, day.run_again, day.find_it_again):
                act()
                sys.stderr.write(f"{act.__name__}: done\n")


def take_for_first_day(visitor: Visitor, name: str) -> None:
    """Where the manual has a place for it."""
    if name in FIRST_DAY:
        visitor.page.screenshot(path=ROOT / "docs" / "images" / f"{FIRST_DAY[name]}.png")


def show_past_weeks() -> None:
    """Light ones, and a dark one of the log."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        run = fill(data)
        with served(data) as server, chromium() as browser:
            with visiting(browser, server, viewport={"width": 1200, "height": 780}, color_scheme="light") as visitor:
                visitor.begin()
                for name, path in PICTURES.items():
                    take(visitor, path.format(run=run), f"server-{name}.png")
                state = visitor.context.storage_state()
            options = {"viewport": {"width": 1200, "height": 780}, "color_scheme": "dark", "storage_state": state}
            with visiting(browser, server, **options) as visitor:
                page = visitor.go(f"/octo/shop/actions/runs/{run}")
                link = page.get_by_role("navigation", name="Jobs").get_by_role("link", name="Unit (3.12, linux)")
                page.locator("summary", has_text="Unit").click()
                take(visitor, str(link.get_attribute("href")), "server-job.png")


def fill(folder: Path) -> str:
    """Some weeks of two repositories; gives the run to look at."""
    now = datetime.now(UTC)
    with PastRuns(folder) as past:
        shop, sdk = past.add_repository("octo/shop"), past.add_repository("octo/sdk", is_private=False)
        for hour in range(30, 1, -1):
            repository = shop if hour % 3 else sdk
            failing = {"unit (3.13, macos)": "Test"} if hour % 11 == 7 else {}
            past.add_run(
                repository,
                WORKFLOW,
                begun=now - timedelta(hours=hour),
                failing=failing,
                title=TITLES[hour % 4],
                ref="refs/heads/main" if hour % 2 else "refs/heads/carts",
                actor=("mona", "hubot")[hour % 2],
            )
        last = past.add_run(shop, WORKFLOW, failing={LEG: "Test"}, title=TITLES[0])
        past.say(last, LEG, [("step_4", SAID)])
        return last


def take(visitor: Visitor, path: str, name: str) -> None:
    """One picture, as small as PNG makes it."""
    page = visitor.go(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=ROOT / "docs" / "images" / name)


if __name__ == "__main__":
    main()
