"""Settings are checked before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.errors import ConfigurationError

pytestmark = pytest.mark.unit

ADDRESS = "https://backend.villa.example"


def test_the_environment_gives_every_setting() -> None:
    config = ClientConfig.from_environment(
        {
            "VILLA_BASE_URL": ADDRESS,
            "VILLA_TIMEOUT_SECONDS": "2.5",
            "VILLA_ATTEMPTS": "5",
            "VILLA_REGION": "eu-central-1",
            "VILLA_USER_POOL_CLIENT_ID": "app-client",
        }
    )

    assert config == ClientConfig(ADDRESS, 2.5, 5, "eu-central-1", "app-client")


def test_an_empty_setting_counts_as_absent() -> None:
    names = ["VILLA_TIMEOUT_SECONDS", "VILLA_ATTEMPTS", "VILLA_REGION", "VILLA_USER_POOL_CLIENT_ID"]

    assert ClientConfig.from_environment({"VILLA_BASE_URL": ADDRESS, **dict.fromkeys(names, "")}) == ClientConfig(
        ADDRESS
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "set VILLA_BASE_URL"),
        ({"VILLA_BASE_URL": ""}, "set VILLA_BASE_URL"),
        ({"VILLA_BASE_URL": ADDRESS, "VILLA_TIMEOUT_SECONDS": "soon"}, "VILLA_TIMEOUT_SECONDS must be a number"),
        ({"VILLA_BASE_URL": ADDRESS, "VILLA_ATTEMPTS": "2.5"}, "VILLA_ATTEMPTS must be a whole number, found '2.5'"),
    ],
)
def test_a_wrong_environment_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ClientConfig.from_environment(environment)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_url": "backend.villa.example"}, "must be an http"),
        ({"base_url": "ftp://backend.villa.example"}, "must be an http"),
        ({"base_url": "http://backend.villa.example"}, "must use https"),
        ({"timeout_seconds": 0}, "must be a positive number"),
        ({"timeout_seconds": float("nan")}, "must be a positive number"),
        ({"timeout_seconds": float("inf")}, "must be a positive number"),
        ({"attempts": 0}, "between 1 and 20"),
        ({"attempts": 21}, "between 1 and 20"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ClientConfig(**({"base_url": ADDRESS} | settings))


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_plain_http_is_accepted_on_this_machine(host: str) -> None:
    assert ClientConfig(f"http://{host}").base_url == f"http://{host}"
