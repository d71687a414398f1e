"""One browser for the tests of a file.

An event loop runs in the test's thread as long as the browser is there (Playwright's way of waiting), so that nothing else may run one
meanwhile: the tests of a file follow one another on one worker (`xdist_group`), and the browser ends with them.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
