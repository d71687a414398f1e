"""Chromium, driven by Playwright, on the pages of a real server."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.support.parts import require_program
from tests.support.serve import ServedProcess

LONG = 60_000
"""milliseconds: a bound for something that hangs, not an expectation"""
PASSWORD = "correct horse battery"
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own; skips the calling test where there is none."""
    path = require_program("chromium")
    expect.set_options(timeout=LONG)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a browser of their own. `troubles` is what the browser complained about: scripts, styles and policies."""

    def __init__(self, context: BrowserContext, server: ServedProcess) -> None:
        context.set_default_timeout(LONG)
        context.set_default_navigation_timeout(LONG)
        self.context = context
        self.server = server
        self.troubles: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._hear)

    def go(self, path: str) -> Page:
        self.page.goto(self.server.url + path)
        return self.page

    def begin(self, login: str = "mona") -> None:
        """Take the one-time link: the first administrator."""
        self.page.goto(self.server.sign_in)
        self.page.get_by_label("Login").fill(login)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Begin").click()
        self.page.wait_for_url(f"{self.server.url}/")

    def sign_in(self, login: str = "mona") -> None:
        self.go("/login")
        self.page.get_by_label("Login").fill(login)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.server.url}/")

    def make_token(self, scope: str = "admin") -> str:
        """A token, from the page on which people make them."""
        self.go("/settings/tokens")
        self.page.get_by_label("What it is for").fill("a test")
        self.page.get_by_label("What it is good for").select_option(scope)
        self.page.get_by_role("button", name="Make a token").click()
        return self.page.locator("#made").input_value()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.troubles.append(message.text)


@contextmanager
def visiting(browser: Browser, server: ServedProcess, **options: object) -> Iterator[Visitor]:
    """A browser's profile of its own; `options` are Playwright's for a new context."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    try:
        yield Visitor(context, server)
    finally:
        context.close()
