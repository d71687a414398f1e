"""Reads the project's own golden data under `tests/cases`."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "cases"


def read_rows(name: str) -> list[dict[str, Any]]:
    """The rows of one JSON-lines file."""
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines() if line]
