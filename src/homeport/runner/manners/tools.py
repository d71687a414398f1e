"""Programs that scripts written for GitHub's hosted images call without installing them, and what brings each.

Source: actions/runner-images, "Installed apt packages" and "Tools" of its Ubuntu images; the ones that scripts really call.
"""

import re
import sys

from homeport.runner.shells import find_program

HOSTED = {
    "7z": "p7zip-full",
    "aria2c": "aria2",
    "aws": "awscli",
    "cmake": "cmake",
    "convert": "imagemagick",
    "curl": "curl",
    "dig": "dnsutils",
    "docker": "podman-docker",
    "ffmpeg": "ffmpeg",
    "file": "file",
    "g++": "g++",
    "gcc": "gcc",
    "gh": "gh",
    "git-lfs": "git-lfs",
    "go": "golang-go",
    "gpg": "gnupg",
    "java": "default-jdk",
    "jq": "jq",
    "lsb_release": "lsb-release",
    "make": "make",
    "mvn": "maven",
    "mysql": "default-mysql-client",
    "nc": "netcat-openbsd",
    "ninja": "ninja-build",
    "node": "nodejs",
    "npm": "npm",
    "npx": "npm",
    "parallel": "parallel",
    "pkg-config": "pkg-config",
    "podman": "podman",
    "psql": "postgresql-client",
    "pwsh": "",
    "rsync": "rsync",
    "ruby": "ruby",
    "shellcheck": "shellcheck",
    "skopeo": "skopeo",
    "sqlite3": "sqlite3",
    "ssh": "openssh-client",
    "ssh-keyscan": "openssh-client",
    "svn": "subversion",
    "tree": "tree",
    "unzip": "unzip",
    "wget": "wget",
    "xmllint": "libxml2-utils",
    "xvfb-run": "xvfb",
    "xz": "xz-utils",
    "yamllint": "yamllint",
    "zip": "zip",
    "zstd": "zstd",
}
"""The program, and Debian's package; empty where Debian has none."""

_FORMULAE = {"g++": "gcc", "xz-utils": "xz", "p7zip-full": "p7zip", "golang-go": "go", "nodejs": "node", "npm": "node"}
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"$`\\]|\\.|\$(?!\())*\"")
_BORDERS = re.compile(r"[;&|(){}`\n]|(?<![\w./-])(?:then|do|else|if|while|until|sudo|exec|xargs|time|!)(?=\s)")
_COMMAND = re.compile(r"\s*(?:[A-Za-z_]\w*=\S*\s+)*([\w.+-]+)(?=\s|$)")


def find_calls(script: str) -> list[str]:
    """The programs of hosted images that a shell script seems to call: words that stand where a command does, outside of quotes."""
    lines = (line for line in script.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#"))
    parts = _BORDERS.split(_QUOTED.sub("''", "\n".join(lines)))
    words = {match[1] for part in parts if (match := _COMMAND.match(part)) is not None}
    return sorted(words & HOSTED.keys())


def find_missing(script: str, search_path: str) -> list[str]:
    """Those of them that are not on this machine."""
    return [name for name in find_calls(script) if find_program(name, search_path) is None]


def how_to_get(name: str) -> str:
    """The one command that brings a program, or where to look."""
    package = HOSTED.get(name, name)
    if not package:
        return f"see the documentation of {name}"
    if sys.platform == "darwin":
        return f"brew install {_FORMULAE.get(name, _FORMULAE.get(package, package))}"
    return f"apt-get install {package}"


def explain_not_found(script: str, search_path: str) -> list[str]:
    """What to say when a script ended with 127 (command not found): one sentence for each program that hosted images have and this
    machine has not.
    """
    return [
        f"This machine has no {name}, which GitHub's images have: {how_to_get(name)}"
        for name in find_missing(script, search_path)
    ]
