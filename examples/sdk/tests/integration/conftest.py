"""The two emulations that integration tests stand on: AWS by moto, the wire by responses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses
from moto import mock_aws

from tests.support.user_pool import UserPool


@pytest.fixture
def user_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[UserPool]:
    """A fresh user pool, in an environment whose account moto does not provide either."""
    with mock_aws(config={"core": {"mock_credentials": False}}):
        yield UserPool(monkeypatch)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The backend's answers on the wire; one that is never asked for fails the test, as does one that is missing."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock
