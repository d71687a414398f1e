"""Variables that GitHub's hosted images set and that actions and scripts read.

Source: actions/runner-images (`/etc/environment` of its images). What would be untrue here stays away: `ImageOS` is there only where
the machine is what it says (prebuilt programs are chosen by it), `ImageVersion` never is.
"""

import os
from collections.abc import Mapping

from homeport.ports.executor import JobPaths
from homeport.runner.folders import read_file

_RELEASE = "/etc/os-release"


def hosted_variables(host: Mapping[str, str], paths: JobPaths, release: str = _RELEASE) -> dict[str, str]:
    """What a job finds set, where it inherits nothing of that name from the machine (`host` is its whole environment)."""
    variables = {
        "AGENT_TOOLSDIRECTORY": paths.tool_cache,
        "DEBIAN_FRONTEND": "noninteractive",
        "USER": host.get("USER") or _find_user(),
    }
    if not any(name == "LANG" or name.startswith("LC_") for name in host):
        variables["LANG"] = "C.UTF-8"
    image = find_image(release)
    if image is not None:
        variables["ImageOS"] = image
    return variables


def _find_user() -> str:
    import pwd  # noqa: PLC0415 - its answer may take half a millisecond, and most environments have it

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def find_image(release: str = _RELEASE) -> str | None:
    """`ubuntu24`, as the images are called; None where this is another system."""
    try:
        lines = read_file(release).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    found = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    return f"ubuntu{found.get('VERSION_ID', '').partition('.')[0]}" if found.get("ID") == "ubuntu" else None
