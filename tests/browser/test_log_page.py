"""The page of a job with a long log: however long it is, only what is in sight exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.support.browser import Visitor, visiting
from tests.support.past_runs import PastRuns
from tests.support.serve import served

pytestmark = pytest.mark.xdist_group("browser-log_page")

WORKFLOW = "on: push\njobs:\n  test: {name: Test all of it, runs-on: ubuntu-latest, steps: [{run: make}]}\n"
LINES = 1_000_000
CHUNK = 50_000
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


@pytest.fixture(scope="module")
def visitor(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """On a server with one run, whose job has said a million lines and failed."""
    folder: Path = tmp_path_factory.mktemp("long") / "data"
    with PastRuns(folder) as past:
        repository = past.add_repository("octo/shop")
        run = past.add_run(repository, WORKFLOW, failing={"test": "Test"}, title="Say a lot")
        many = [
            ("step_4", "\n".join(f"line {number} of many" for number in range(first, first + CHUNK)))
            for first in range(1, LINES, CHUNK)
        ]
        first = (
            "step_3",
            "##[group]Run pip install\n\x1b[36;1mpip install\x1b[0m\n##[endgroup]\nInstalled\n##[warning]old"
            "\n\x1b[33mSee https://example.com/a?b=(c).\x1b[0m",
        )
        past.say(run, "test", [first, *many, ("step_4", f"{HOSTILE}\n##[error]Process completed with exit code 1.")])
    with served(folder) as server, visiting(browser, server) as visitor:
        visitor.begin()
        yield visitor


def open_job(visitor: Visitor, place: str = "") -> Page:
    page = visitor.go("/octo/shop/actions/runs/1")
    page.get_by_role("navigation", name="Jobs").get_by_role("link", name="Test all of it").click()
    expect(page.locator("[data-ready]")).to_be_attached()
    if place:
        page.evaluate("place => { location.hash = place }", place)
    return page


def rows(page: Page) -> Locator:
    return page.locator(".log-rows .row")


def test_the_end_of_what_failed_is_in_sight(visitor: Visitor) -> None:
    page = open_job(visitor)
    expect(page.locator(".row.k-error")).to_contain_text("Process completed with exit code 1.")
    page.locator(".log-view").scroll_into_view_if_needed()
    expect(page.locator(".row .n", has_text=str(LINES + 1))).to_be_in_viewport()
    assert visitor.troubles == []


def test_a_million_lines_are_a_few_rows(visitor: Visitor) -> None:
    page = open_job(visitor)
    expect(page.locator(".row .n", has_text=str(LINES + 1))).to_be_visible()
    assert rows(page).count() < 150
    for part in (0, 0.5, 0.9, 0.25, 1):
        page.evaluate(
            "part => { const view = document.querySelector('.log-view'); view.scrollTop = part * view.scrollHeight }",
            part,
        )
        expect(page.locator(".log-rows .row:not([data-empty]) .t").nth(5)).not_to_be_empty()
        assert rows(page).count() < 150


def test_a_link_leads_to_its_line(visitor: Visitor) -> None:
    page = open_job(visitor, "#step:4:777777")
    target = page.locator(".row.target")
    expect(target).to_contain_text("line 777777 of many")
    expect(target).to_be_in_viewport()
    page.reload()
    expect(page.locator(".row.target")).to_contain_text("line 777777 of many")
    page.get_by_role("link", name="Install", exact=True).click()
    expect(page).to_have_url(re.compile(r"/job/\d+#step:\d:1$"))
    expect(target).to_contain_text("pip install")
    expect(target).to_be_in_viewport()


def test_steps_and_groups_fold(visitor: Visitor) -> None:
    page = open_job(visitor)
    page.get_by_role("button", name="Fold").click()
    expect(page.locator(".row.step")).to_have_count(5)
    step = page.get_by_role("button", name="Install")
    expect(step).to_have_attribute("aria-expanded", "false")
    step.press("Enter")
    expect(step).to_have_attribute("aria-expanded", "true")
    group = page.locator(".row.k-group")
    expect(group).to_have_class("row k-group folded")
    assert page.get_by_text("pip install", exact=True).count() == 0
    group.get_by_role("button", expanded=False).press("Enter")
    expect(group.get_by_role("button", expanded=True)).to_be_focused()
    expect(page.locator(".row .t .b.f6")).to_have_text("pip install")
    expect(page.locator(".row.k-warning")).to_contain_text("old")
    address = page.get_by_role("link", name="https://example.com/a?b=(c")
    expect(address).to_have_attribute("href", "https://example.com/a?b=(c")
    expect(address).to_have_attribute("rel", "nofollow noopener noreferrer")


def test_search_finds_lines_that_are_far_away(visitor: Visitor) -> None:
    page = open_job(visitor)
    page.keyboard.press("/")
    page.keyboard.type("LINE 543210 of")
    expect(page.locator("[data-status]")).to_have_text("1 of 1")
    expect(page.locator(".row.hit")).to_contain_text("line 543210 of many")
    expect(page.locator(".row.hit")).to_be_in_viewport()


def test_a_text_is_found_in_the_logs_of_all_runs_and_leads_to_its_line(visitor: Visitor) -> None:
    visitor.go("/octo/shop/actions").get_by_role("link", name="Logs", exact=True).click()
    visitor.page.keyboard.type("LINE 654321 of")
    visitor.page.keyboard.press("Enter")
    found = visitor.page.get_by_role("region", name="Test all of it in Say a lot")
    expect(found).to_contain_text("line 654321 of many")
    found.locator("a.n").click()
    expect(visitor.page.locator(".row.target")).to_contain_text("line 654321 of many")
    expect(visitor.page.locator(".row.target")).to_be_in_viewport()
    expect(visitor.go("/octo/shop/actions/search?q=nothing+like+it").get_by_role("heading", level=2)).to_have_text(
        "Nobody has said that"
    )
    assert visitor.troubles == []


def test_times_are_shown_when_they_are_asked_for(visitor: Visitor) -> None:
    page = open_job(visitor)
    at = page.locator(".row.k-error .at")
    expect(at).to_be_hidden()
    page.get_by_role("button", name="Times").click()
    expect(at).to_be_visible()


def test_nothing_in_a_log_is_markup(visitor: Visitor) -> None:
    page = open_job(visitor)
    expect(page.locator(".log-rows")).to_contain_text(HOSTILE)
    assert page.locator(".log-rows img, .log-rows script").count() == 0
    assert visitor.troubles == []


def test_without_javascript_the_end_of_the_log_is_in_the_page(browser: Browser, visitor: Visitor) -> None:
    state = visitor.context.storage_state()
    with visiting(browser, visitor.server, java_script_enabled=False, storage_state=state) as reader:
        page = reader.go("/octo/shop/actions/runs/1")
        page.get_by_role("navigation", name="Jobs").get_by_role("link", name="Test all of it").click()
        expect(page.locator(".log-static")).to_contain_text(HOSTILE)
        expect(page.locator(".log-static .k-error")).to_contain_text("Process completed with exit code 1.")
        expect(page.locator(".log-static")).to_contain_text("lines before")
        expect(page.locator(".steps li")).to_have_count(5)
        expect(page.get_by_role("link", name="the whole log")).to_be_visible()


COUNTING = """\
window.sources = [];
window.EventSource = class extends EventSource { constructor(...given) { super(...given); sources.push(this); } };
"""


def test_a_tab_that_nobody_sees_holds_no_connection(visitor: Visitor) -> None:
    """Browsers have six to a server, and each page of a job that runs takes two: the fourth tab would not load."""
    page = visitor.context.new_page()
    page.add_init_script(COUNTING)
    outline = {"total": 1, "is_complete": False, "is_cut": False, "steps": [[4, 1, 1]], "groups": []}
    data = json.dumps({"from": 2, "lines": [[1_700_000_000_000, 4, "the second"]]})
    body = f"retry: 50\nid: 2\nevent: lines\ndata: {data}\n\n"

    def turn(hidden: str) -> None:
        page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    try:
        page.route("**/log/outline", lambda route: route.fulfill(json=outline))
        page.route("**/log/stream*", lambda route: route.fulfill(content_type="text/event-stream", body=body))
        page.goto(f"{visitor.server.url}/octo/shop/actions/runs/1")
        page.get_by_role("navigation", name="Jobs").get_by_role("link", name="Test all of it").click()
        expect(page.locator(".log-rows")).to_contain_text("the second")
        turn("true")
        assert page.evaluate("sources.length > 0 && sources.every((each) => each.readyState === EventSource.CLOSED)")
        with page.expect_request("**/log/stream?from=3"):  # after what it has
            turn("false")
    finally:
        page.unroute_all(behavior="ignoreErrors")
        page.close()


def test_a_slow_and_a_cut_connection_neither_lose_nor_double_a_line(visitor: Visitor) -> None:
    """The job's page as if it still ran. Blocks of lines come before the stream says that these lines are there; the stream is cut, then
    a proxy answers for the server, then it goes on from the line that the page asks for.
    """
    said = [f"line {number}" for number in range(1, 13)]
    sent = [[1_700_000_000_000, 4, text] for text in said]
    streams: list[str] = []

    def answer(route: Route) -> None:
        streams.append(route.request.url.partition("from=")[2])
        last = route.request.headers.get("last-event-id")
        first = int(last) + 1 if last else int(streams[-1])
        if len(streams) == 3:
            route.fulfill(status=502, body="the server is away")
            return
        lines = sent[first - 1 : first + 2] if len(streams) < 5 else sent[first - 1 :]
        data = json.dumps({"from": first, "lines": lines})
        body = f"retry: 50\nid: {first + len(lines) - 1}\nevent: lines\ndata: {data}\n\n"
        route.fulfill(content_type="text/event-stream", body=body)

    page = visitor.page
    outline = {"total": 2, "is_complete": False, "is_cut": False, "steps": [[4, 1, 2]], "groups": []}
    page.route("**/log/outline", lambda route: route.fulfill(json=outline))
    page.route("**/log?from=*", lambda route: route.fulfill(json={"total": 12, "from": 1, "lines": sent}))
    page.route("**/log/stream*", answer)
    try:
        open_job(visitor)
        texts = page.locator(".log-rows .row:not(.step) .t")
        expect(texts).to_have_text(said)
        numbers = page.locator(".log-rows .row:not(.step) .n")
        assert numbers.all_inner_texts() == [str(number) for number in range(1, 13)]
        assert streams[0] == "3"
        expect(page.locator("[data-status]")).to_have_text("Not connected: trying again…")
    finally:
        page.unroute_all(behavior="ignoreErrors")
    assert visitor.troubles == []
