"""The first day of somebody new with the repository's own example, `examples/sdk`: its whole pipeline, on a real server, in a browser."""

import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Visitor
from tests.support.conformance import ROOT
from tests.support.pushing import Checkout

EXAMPLE = ROOT / "examples" / "sdk"
NAME = "mona/villa-sdk"
TEST = Path("tests/unit/test_models.py")
BROKEN = "\n\n@pytest.mark.unit\ndef test_that_two_is_three() -> None:\n    assert sum([1, 1]) == 3\n"
FIRST, BREAK, MEND = "The SDK as it is", "Break a test", "Mend the test"
QUICKER = {"PIP_NO_COMPILE": "1"}
"""For the server's environment. Six jobs install moto or its like: most of what they would compile is never imported."""
LONGEST = 900_000
"""milliseconds that a whole pipeline may take on a slow machine: a bound for something that hangs, not an expectation"""


class FirstDay:
    """What is done, in this order. `picture` is called where there is something to see, with its name."""

    def __init__(self, visitor: Visitor, folder: Path, picture: Callable[[str], None] = lambda _: None) -> None:
        self.visitor = visitor
        self.page: Page = visitor.page
        self._folder = folder
        self._picture = picture
        self._token = ""
        self._checkout: Checkout | None = None

    def sign_in(self) -> None:
        """By the link that the server has printed."""
        self.visitor.begin()
        expect(self.page.get_by_role("heading", name="A quiet harbour")).to_be_visible()

    def push(self) -> None:
        """As the page says on which repositories are added; there is nothing to set up before it."""
        self._token = self.visitor.make_token()
        self.visitor.go("/repositories/new")
        expect(self.page.locator("pre.code").first).to_contain_text("git push homeport HEAD:main")
        self._checkout = Checkout(self._folder, f"{self.visitor.server.url}/{NAME}.git", "mona", self._token)
        left_out = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".ruff_cache", "*.egg-info", "dist", "build")
        shutil.copytree(EXAMPLE, self._folder, ignore=left_out, dirs_exist_ok=True)
        self._checkout.commit({}, FIRST)
        self._checkout.push()

    def watch(self) -> None:
        """The run, and its longest job, each opened while it runs and not loaded again until it has ended."""
        self._open_run(FIRST)
        expect(self._title_state("running")).to_be_visible()
        expect(self._job("Build").locator(".state.is-running")).to_be_attached(timeout=LONGEST)
        self._picture("run")
        self._job("Build").click()
        lines = self.page.locator(".log-rows")
        expect(lines).to_contain_text("test session starts", timeout=LONGEST)
        self._picture("log")
        expect(self._title_state("success")).to_be_visible(timeout=LONGEST)
        expect(lines).to_contain_text("Keep the packages")
        opened = self._opened_at()
        self.page.get_by_role("link", name="Overview").click()
        expect(self._title_state("success")).to_be_visible(timeout=LONGEST)
        names = ["Lint", "Unit (Python 3.10)", "Unit (Python 3.11)", "Unit (Python 3.12)", "Integration", "Build"]
        for name in [*names, "CI Success"]:
            expect(self._job(name).locator(".state.is-success")).to_be_attached()
        jobs = {job["name"]: job for job in self._get(f"actions/runs/{self._run_number()}/jobs")["jobs"]}
        assert opened < _milliseconds(jobs["Build"]["completed_at"]), "the log was not watched while the job ran"
        for artifact in ("coverage", "dist"):
            expect(self.page.get_by_role("link", name=artifact, exact=True)).to_be_visible()
        expect(self.page.get_by_role("cell", name="integration")).to_be_visible()  # the summary that the gate wrote
        self._picture("green")

    def break_a_test(self) -> None:
        """The check that is red leads to the step that failed, and to why."""
        assert self._checkout is not None
        text = (self._checkout.folder / TEST).read_text("utf-8")
        sha = self._checkout.commit({str(TEST): text + BROKEN}, BREAK)
        self._checkout.push()
        self._open_run(BREAK)
        expect(self._title_state("failure")).to_be_visible(timeout=LONGEST)
        expect(self._job("Build").locator(".state.is-skipped")).to_be_attached()
        self._picture("red")
        checks = self._get(f"commits/{sha}/check-runs", per_page=100)["check_runs"]
        red = [check for check in checks if check["conclusion"] == "failure" and check["name"].startswith("Unit")]
        assert red, [(check["name"], check["conclusion"]) for check in checks]
        assert self._get(f"commits/{sha}/status")["state"] == "failure"
        self.page.goto(red[0]["details_url"])
        expect(self.page.get_by_role("heading", level=1)).to_have_text(red[0]["name"])
        expect(self.page.locator(".steps [data-state=failure]")).to_contain_text("Unit tests")
        expect(self.page.locator(".log-rows")).to_contain_text("1 failed")
        self._picture("why")
        self.visitor.go("/")
        expect(self.page.get_by_role("region", name="Needs attention")).to_contain_text(BREAK)

    def mend(self) -> None:
        """The next push is green. What needs attention still is the manual: nobody has given this server a bucket and its key."""
        assert self._checkout is not None
        self._checkout.commit({str(TEST): (EXAMPLE / TEST).read_text("utf-8")}, MEND)
        self._checkout.push()
        self._open_run(MEND)
        expect(self._title_state("success")).to_be_visible(timeout=LONGEST)
        self.visitor.go("/")
        attention = self.page.get_by_role("region", name="Needs attention")
        expect(attention).to_contain_text("Deploy documentation", timeout=LONGEST)
        expect(attention).not_to_contain_text(BREAK)

    def run_again(self) -> None:
        """One job of it, as another attempt; what the others did is kept."""
        self._open_run(MEND)
        self._job("CI Success").click()
        self.page.locator("summary", has_text="Re-run this job").click()
        self.page.get_by_role("button", name="Re-run", exact=True).click()
        expect(self.page.get_by_role("status")).to_contain_text("A new attempt has begun.")
        expect(self.page.locator(".sub").first).to_contain_text("attempt 2 of 2")
        expect(self._title_state("success")).to_be_visible(timeout=LONGEST)

    def find_it_again(self) -> None:
        """After a restart: who is signed in, every run, the log of what failed, artifacts that can be fetched."""
        self.visitor.server.restart()
        self.visitor.go(f"/{NAME}/actions/workflows/ci.yml")
        expect(self.page.locator(".runs .name")).to_have_text([MEND, BREAK, FIRST])
        self._open_run(BREAK)
        red = self.page.get_by_role("navigation", name="Jobs").locator("a:has(.state.is-failure)", has_text="Unit")
        red.first.click()
        expect(self.page.locator(".steps [data-state=failure]")).to_contain_text("Unit tests")
        expect(self.page.locator(".log-rows")).to_contain_text("1 failed")
        self._open_run(FIRST)
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="dist", exact=True).click()
        assert download.value.path().stat().st_size > 1000

    # --- inside -------------------------------------------------------------------------------------------------------------

    def _open_run(self, title: str) -> None:
        """The run of a push appears in the list without anybody loading it again."""
        self.visitor.go(f"/{NAME}/actions")
        row = self.page.locator(".runs li", has=self.page.get_by_text("CI", exact=True))
        row.get_by_role("link", name=title, exact=True).click()
        expect(self.page).to_have_url(re.compile(r"/actions/runs/\d+$"))

    def _job(self, name: str) -> Locator:
        return self.page.get_by_role("navigation", name="Jobs").get_by_role("link", name=name)

    def _title_state(self, state: str) -> Locator:
        return self.page.locator(f".run-title .state.is-{state}")

    def _opened_at(self) -> float:
        """When this page was loaded: milliseconds since 1970."""
        return float(self.page.evaluate("performance.timeOrigin"))

    def _run_number(self) -> str:
        return self.page.url.rpartition("/")[2]

    def _get(self, path: str, **query: Any) -> Any:
        """What a program sees, by the token of the first page."""
        answer = httpx.get(
            f"{self.visitor.server.url}/api/v3/repos/{NAME}/{path}",
            params=query,
            headers={"authorization": f"Bearer {self._token}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


def _milliseconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000
