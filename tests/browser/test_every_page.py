"""What holds for every page: it can be read by everybody, on any screen, light and dark, and the browser has nothing to complain of."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from homeport.store.caches_folder import FolderCaches
from tests.support.browser import Visitor, visiting
from tests.support.jobs import SystemClock
from tests.support.parts import require_npm_packages
from tests.support.past_runs import PastRuns
from tests.support.serve import served

pytestmark = pytest.mark.xdist_group("browser-every_page")

WORKFLOW = """\
name: CI <b>"&'
on: push
jobs:
  lint: {name: Lint, runs-on: ubuntu-latest, steps: [{run: make}]}
  unit:
    name: Unit
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ["3.11", "3.12", "3.13"], system: [linux, macos]}}
    steps: [{run: make}]
  build: {name: A job with a name that is as long as names of jobs can be when somebody means it, needs: [lint, unit], runs-on: ubuntu-latest, steps: [{run: make}]}
"""
PAGES = [
    "/",
    "/runs",
    "/repositories",
    "/repositories/new",
    "/octo/shop/actions",
    "/octo/shop/actions?q=nothing+is+like+that&state=failure",
    "/octo/shop/actions/workflows/ci.yml",
    "/octo/shop/actions/runs/1",
    "/octo/shop/actions/runs/2",
    "/octo/shop/actions/runs/2/delete",
    "/octo/shop/actions/runs/3",
    "/octo/shop/actions/runs/1/job/{job}",
    "/octo/shop/actions/events",
    "/octo/shop/actions/start",
    "/octo/shop/actions/search",
    "/octo/shop/actions/search?q=longer",
    "/octo/shop/actions/caches",
    "/octo/shop/actions/caches?q=nothing",
    "/mona/plugin/actions/events/deliveries",
    "/organizations/octo/settings/secrets",
    "/organizations/octo/settings/people",
    "/organizations/mona/settings/forges",
    "/octo/shop/settings/people",
    "/octo/shop/settings",
    "/octo/shop/settings/secrets",
    "/octo/shop/settings/environments",
    "/octo/shop/settings/forge",
    "/mona/plugin/settings/forge",
    "/settings/profile",
    "/settings/tokens",
    "/admin/users",
    "/admin/tokens",
    "/admin/audit",
    "/admin/runners",
    "/admin/forges",
    "/admin/system",
    "/redoc",
    "/there/is/nothing",
]
AXE = "4.10.3"
JOB = 1 * 100 * 100_000 + 100_000 + 1
"""the first job of run 1: see `run.job_numbers`"""


@pytest.fixture(scope="module")
def signed_in(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    folder: Path = tmp_path_factory.mktemp("pages") / "data"
    begun = datetime.now(UTC) - timedelta(hours=1)
    with PastRuns(folder) as past:
        repository = past.add_repository("octo/shop")
        past.add_repository(
            "mona/plugin",
            origin="github",
            server_url="https://github.com",
            clone_url="https://github.com/mona/plugin.git",
        )
        title = "A title that says <script>alert(1)</script> and goesonandonandonandonandonandonandonandonandonandon"
        run = past.add_run(
            repository,
            WORKFLOW,
            failing={"unit (3.12, linux)": "Test"},
            title=title,
            begun=begun,
            summary="# Sum\n\n<script>x</script>",
        )
        past.add_run(repository, WORKFLOW, ref="refs/heads/a-branch-with-a-name-that-is-longer-than-a-phone-is-wide")
        past.say(
            run,
            "lint",
            [
                (
                    "step_2",
                    "\x1b[31mred\x1b[0m and a line that is longer than a phone is wide, by far, and then some more",
                )
            ],
        )
        past.add_held(repository, WORKFLOW)
        archive = folder / "archive"
        archive.write_bytes(b"x" * 2_000_000)
        caches = FolderCaches(str(folder), "octo/shop", SystemClock(), search_path="")
        for key in ("pip-linux-3.12", "a-key-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on"):
            assert caches.put_archive(key, "v" * 64, "refs/heads/main", str(archive)) is not None
    with served(folder) as server, visiting(browser, server) as visitor:
        visitor.begin()
        keep_shared_values(visitor)
        yield visitor


def keep_shared_values(visitor: Visitor) -> None:
    """By the page: a variable for all, and a secret for one repository."""
    page = visitor.go("/organizations/octo/settings/secrets")
    for kind, name, choice in (("Variable", "LEVEL", "all"), ("Secret", "KEY", "selected")):
        form = page.get_by_role("region", name="A new one")
        form.get_by_label("What").select_option(kind)
        form.get_by_label("Name").fill(name)
        form.get_by_label("Value").fill("debug")
        form.get_by_label("Who may use it").select_option(choice)
        form.get_by_label("shop").check()
        form.get_by_role("button", name="Keep it").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")


@pytest.fixture(params=["light", "dark"])
def visitor(request: pytest.FixtureRequest, browser: Browser, signed_in: Visitor) -> Iterator[Visitor]:
    """On a phone."""
    options = {"color_scheme": request.param, "viewport": {"width": 360, "height": 740}}
    state = signed_in.context.storage_state()
    with visiting(browser, signed_in.server, storage_state=state, **options) as one:
        yield one


def test_pages_can_be_used_by_everybody_on_any_screen(visitor: Visitor) -> None:
    script = require_npm_packages({"axe-core": AXE}) / "axe-core" / "axe.min.js"
    text = script.read_text("utf-8")
    wrong = []
    for path in PAGES:
        page = visitor.go(path.format(job=JOB))
        page.wait_for_load_state("networkidle" if "/job/" in path else "load")
        assert page.locator("main h1").count() == 1, path
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wrong.append(f"{path}: scrolls sideways")
        page.evaluate(text)  # by the debugger's way: the page's own policy lets no such script in
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        wrong += [
            f"{path}: {each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]
        ]
    assert not wrong, "\n".join(wrong)
    assert visitor.troubles == []


def test_pages_show_names_and_titles_as_text(signed_in: Visitor) -> None:
    page = signed_in.go("/octo/shop/actions/runs/1")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")
    assert page.locator("main script").count() == 0
    expect(page.get_by_role("link", name="CI <b>\"&'", exact=True)).to_be_visible()


def test_a_run_from_a_fork_is_turned_down_by_keyboard(signed_in: Visitor) -> None:
    page = signed_in.go("/")
    page.get_by_role("link", name="Pull request #7 by mallory").press("Enter")
    expect(page.get_by_text("This pull request comes from a fork.")).to_be_visible()
    page.get_by_role("button", name="Reject").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Rejected.")
    signed_in.go("/octo/shop/actions/runs/3")
    expect(page.get_by_text("Rejected by mona")).to_be_visible()
    expect(page.get_by_role("button", name="Approve and run")).to_be_visible()


def test_a_theme_is_chosen_and_kept(signed_in: Visitor) -> None:
    page = signed_in.go("/runs")
    page.locator("summary", has_text="menu").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    signed_in.go("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("summary", has_text="menu").click()
    page.get_by_role("button", name="Auto").click()
    assert page.locator("html").get_attribute("data-theme") is None


def test_pages_work_by_keyboard(signed_in: Visitor) -> None:
    page = signed_in.go("/octo/shop/actions")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.locator("summary", has_text="menu").press("Enter")
    expect(page.get_by_role("link", name="Your settings")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Your settings")).to_be_hidden()
    expect(page.locator("summary", has_text="menu")).to_be_focused()


def test_without_javascript_pages_can_be_read_and_forms_sent(browser: Browser, signed_in: Visitor) -> None:
    state = signed_in.context.storage_state()
    with visiting(browser, signed_in.server, java_script_enabled=False, storage_state=state) as reader:
        page = reader.go("/octo/shop/actions")
        page.get_by_label("State").select_option("failure")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator(".runs .name")).to_have_count(1)
        reader.go("/octo/shop/settings/secrets")
        page.get_by_label("Name").fill("api_token")
        page.get_by_label("Value").fill("hush")
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        expect(page.get_by_text("API_TOKEN", exact=True)).to_be_visible()
        assert "hush" not in page.content()


def test_who_is_not_signed_in_is_led_there_and_back(browser: Browser, signed_in: Visitor) -> None:
    with visiting(browser, signed_in.server) as stranger:
        page = stranger.go("/octo/shop/actions/runs/1")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_label("Login").fill("mona")
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The login or the password is wrong.")
