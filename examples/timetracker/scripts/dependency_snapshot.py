"""Turns the report of `pip inspect` into a snapshot for the forge's dependency graph."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def snapshot(report: Mapping[str, Any], environment: Mapping[str, str], scanned: datetime) -> dict[str, Any]:
    """Every installed distribution; those that were asked for are direct, the others indirect."""
    resolved = {}
    for distribution in report["installed"]:
        name, version = distribution["metadata"]["name"].lower(), distribution["metadata"]["version"]
        relationship = "direct" if distribution.get("requested") else "indirect"
        resolved[name] = {"package_url": f"pkg:pypi/{name}@{version}", "relationship": relationship, "scope": "runtime"}
    return {
        "version": 0,
        "sha": environment["GITHUB_SHA"],
        "ref": environment["GITHUB_REF"],
        "job": {
            "id": environment["GITHUB_RUN_ID"],
            "correlator": f"{environment['GITHUB_WORKFLOW']} {environment['GITHUB_JOB']}",
        },
        "detector": {
            "name": "pip inspect",
            "version": str(report["pip_version"]),
            "url": "https://pip.pypa.io/en/stable/cli/pip_inspect/",
        },
        "scanned": scanned.isoformat(),
        "manifests": {
            "requirements.txt": {
                "name": "requirements.txt",
                "file": {"source_location": "requirements.txt"},
                "resolved": resolved,
            }
        },
    }


if __name__ == "__main__":
    inspected = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    json.dump(snapshot(inspected, os.environ, datetime.now(UTC)), sys.stdout, indent=2)
