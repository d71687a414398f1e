"""Loads the guards, and gives every test an environment without anybody's account in it."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["pytester", "tests.support.layers", "tests.support.network_guard"]


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "VILLA_", "MANUAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
