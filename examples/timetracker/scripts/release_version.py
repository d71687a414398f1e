"""Says what an event of the release workflow releases, as lines for GITHUB_OUTPUT.

| event | version |
|---|---|
| workflow_dispatch | the input |
| release | the release's tag |
| push of a tag | the tag |
| push to main or master | the file VERSION; published only if that version has no tag yet |

A pre-release (1.2.3-rc.1, or marked as one) gets its own tag only; others also move 1.2, 1, latest and stable.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SEMANTIC_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")


def version_of(environment: Mapping[str, str], version_file: Path) -> str:
    """The version that the event names, without its v."""
    match environment["GITHUB_EVENT_NAME"], environment["GITHUB_REF_TYPE"]:
        case "workflow_dispatch", _:
            named = environment["INPUT_VERSION"]
        case "release", _:
            named = environment["RELEASE_TAG"]
        case "push", "tag":
            named = environment["GITHUB_REF_NAME"]
        case _:
            named = version_file.read_text(encoding="utf-8").strip()
    version = named.removeprefix("v")
    if not SEMANTIC_VERSION.fullmatch(version):
        sys.exit(f"::error title=Not a version::{named!r} is not of the form 1.2.3 or 1.2.3-rc.1")
    return version


def is_prerelease(environment: Mapping[str, str], version: str) -> bool:
    """Whether the version says so, or somebody did."""
    return "-" in version or "true" in (environment.get("INPUT_PRERELEASE"), environment.get("RELEASE_PRERELEASE"))


def image_tags(version: str, prerelease: bool) -> list[str]:
    """The tags that the image gets."""
    if prerelease:
        return [f"v{version}"]
    major, minor, _ = version.split(".", 2)
    return [f"v{version}", f"{major}.{minor}", major, "latest", "stable"]


def is_tagged(version: str) -> bool:
    """Whether the remote has the version's tag."""
    answer = subprocess.run(
        ["git", "ls-remote", "--tags", "origin", f"refs/tags/v{version}"], check=True, stdout=subprocess.PIPE
    )
    return bool(answer.stdout.strip())


def main(environment: Mapping[str, str]) -> None:
    """Print the outputs."""
    version = version_of(environment, Path("VERSION"))
    prerelease = is_prerelease(environment, version)
    branch_push = environment["GITHUB_EVENT_NAME"] == "push" and environment["GITHUB_REF_TYPE"] == "branch"
    publish = not (branch_push and is_tagged(version))
    print(f"version={version}")
    print(f"prerelease={str(prerelease).lower()}")
    print(f"publish={str(publish).lower()}")
    print(f"tags={' '.join(image_tags(version, prerelease))}")


if __name__ == "__main__":
    main(os.environ)
