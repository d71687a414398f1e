"""Finds the published conformance data, or skips with the reason."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def conformance_folder() -> Path:
    """The folder of published cases: `HOMEPORT_CONFORMANCE`, else `../shared/conformance` beside the repository."""
    return Path(os.environ.get("HOMEPORT_CONFORMANCE", ROOT.parent / "shared" / "conformance"))


def load_cases(name: str) -> list[dict[str, Any]]:
    """The rows of one JSON-lines file; an empty list where the data is absent (the test then skips by `require_cases`)."""
    path = conformance_folder() / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def require_cases(name: str) -> None:
    """Skip the calling test, with the reason, where the published data is not on this machine."""
    if not (conformance_folder() / name).exists():
        pytest.skip(f"conformance data {name} is absent: set HOMEPORT_CONFORMANCE to its folder")
