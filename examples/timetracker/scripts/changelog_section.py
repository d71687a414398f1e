"""Prints what CHANGELOG.md says of $VERSION; where it says nothing, the commits since the last tag."""

import os
import re
import subprocess
from pathlib import Path


def section(changelog: str, version: str) -> str:
    """The text below the heading of the version, or nothing."""
    lines, inside = [], False
    for line in changelog.splitlines():
        if line.startswith("## "):
            heading = re.match(r"## \[?v?([^\s\]]+)", line)
            inside = heading is not None and heading[1] == version
        elif inside:
            lines.append(line)
    return "\n".join(lines).strip()


def commits_since_last_tag() -> str:
    """One line for each commit that no earlier tag has."""
    last = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^"],
        check=False,
        capture_output=True,
        text=True,
    )
    span = f"{last.stdout.strip()}..HEAD" if last.returncode == 0 else "HEAD"
    log = subprocess.run(
        ["git", "log", "--no-merges", "--format=- %s", span], check=True, stdout=subprocess.PIPE, text=True
    )
    return log.stdout.strip()


if __name__ == "__main__":
    print(section(Path("CHANGELOG.md").read_text(encoding="utf-8"), os.environ["VERSION"]) or commits_since_last_tag())
