"""The first day of somebody new: sign in, push, watch it run, break a test, see why, mend it, run again, find all of it again."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Visitor, visiting
from tests.support.pushing import Checkout
from tests.support.serve import served

pytestmark = pytest.mark.xdist_group("browser-story")

WORKFLOW = """\
name: CI
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Wait for the one who watches
        run: |
          echo "first line"
          for i in $(seq 200); do test -e "$GO" && break; sleep 0.1; done
          echo "last line"
        env: {GO: GO_FILE}
      - name: Test
        run: sh test.sh
  build:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - run: echo "## Built" >> "$GITHUB_STEP_SUMMARY" && echo ships > ships.txt
      - uses: actions/upload-artifact@v4
        with: {name: ships, path: ships.txt}
"""
FILE = ".github/workflows/ci.yml"


def test_the_first_day_of_somebody_new(browser: Browser, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with served(tmp_path / "data") as server, visiting(browser, server) as visitor:
        page = visitor.page
        visitor.begin()
        expect(page.get_by_role("heading", name="A quiet harbour")).to_be_visible()
        checkout = Checkout(tmp_path / "work", f"{server.url}/mona/shop.git", "mona", visitor.make_token())
        checkout.commit({FILE: WORKFLOW.replace("GO_FILE", str(go)), "test.sh": "exit 0\n"}, "Sell ships")
        checkout.push()

        # watch it run, live
        open_latest(visitor, "Sell ships")
        page.get_by_role("navigation", name="Jobs").get_by_role("link", name="test").click()
        expect(page.locator(".log-rows")).to_contain_text("first line")
        expect(page.locator(".log-rows")).not_to_contain_text("last line")
        follow = page.get_by_role("button", name="Follow")
        expect(follow).to_have_attribute("aria-pressed", "true")
        page.locator(".log-view").dispatch_event("pointerdown")  # its scroll bar is taken hold of
        expect(follow).to_have_attribute("aria-pressed", "false")
        follow.click()
        expect(follow).to_have_attribute("aria-pressed", "true")
        overview = visitor.context.new_page()
        overview.goto(page.url.partition("/job/")[0])
        expect(overview.locator(".run-title .state.is-running")).to_be_visible()
        go.touch()
        expect(page.locator(".log-rows")).to_contain_text("last line")
        expect(page.locator(".run-title .state.is-success")).to_be_visible()
        for heading in ("Built", "Artifacts", "Timeline"):  # on a page that was there before them
            expect(overview.get_by_role("heading", name=heading)).to_be_visible()
        expect(overview.get_by_role("link", name="ships", exact=True)).to_be_visible()
        overview.close()
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_text("Succeeded").first).to_be_visible()
        expect(page.get_by_role("heading", name="Built")).to_be_visible()

        # break a test, and see which step it was
        checkout.commit({"test.sh": "echo '41 is not 42'; exit 1\n"}, "Break it")
        checkout.push()
        open_latest(visitor, "Break it")
        expect(page.locator(".run-title .state.is-failure")).to_be_visible()
        expect(page.get_by_text("Process completed with exit code 1.")).to_be_visible()
        page.get_by_role("navigation", name="Jobs").get_by_role("link", name="test").click()
        expect(page.locator(".row.step.is-open, .row.step[aria-expanded=true]")).to_contain_text("Test")
        expect(page.locator(".log-rows")).to_contain_text("41 is not 42")
        visitor.go("/")
        expect(page.get_by_role("region", name="Needs attention")).to_contain_text("Break it")

        # mend it
        checkout.commit({"test.sh": "exit 0\n"}, "Mend it")
        checkout.push()
        open_latest(visitor, "Mend it")
        expect(page.locator(".run-title .state.is-success")).to_be_visible()
        visitor.go("/")
        expect(page.get_by_role("heading", name="All is well")).to_be_visible()

        # run the broken one again: it stays broken, as another attempt
        open_run(visitor, "Break it")
        page.locator("summary", has_text="Re-run").click()
        page.get_by_role("button", name="Failed jobs").click()
        expect(page.get_by_role("status")).to_contain_text("A new attempt has begun.")
        expect(page.locator(".sub").first).to_contain_text("attempt 2 of 2")
        expect(page.locator(".run-title .state.is-failure")).to_be_visible()
        page.get_by_role("link", name="Attempt 1", exact=True).click()
        expect(page.locator(".sub").first).to_contain_text("attempt 1 of 2")

        # all of it is there after a restart, and so is who is signed in
        server.restart()
        visitor.go("/mona/shop/actions")
        expect(page.locator(".runs .name")).to_have_text(["Mend it", "Break it", "Sell ships"])
        open_run(visitor, "Sell ships")
        page.get_by_role("navigation", name="Jobs").get_by_role("link", name="test").click()
        page.get_by_role("button", name="Wait for the one who watches").click()
        expect(page.locator(".log-rows")).to_contain_text("last line")
        assert visitor.troubles == []


def open_latest(visitor: Visitor, title: str) -> None:
    """The run of a push appears in the list without anybody loading it again."""
    visitor.go("/mona/shop/actions")
    open_run(visitor, title)


def open_run(visitor: Visitor, title: str) -> None:
    if not visitor.page.url.endswith("/actions"):
        visitor.go("/mona/shop/actions")
    visitor.page.get_by_role("link", name=title, exact=True).click()
    expect(visitor.page).to_have_url(re.compile(r"/actions/runs/\d+$"))
