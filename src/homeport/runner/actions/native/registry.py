"""Which published actions Homeport carries itself, and the module of each: imported only where it is used."""

import msgspec


class Native(msgspec.Struct, frozen=True):
    """`oldest` and `newest` are the majors whose documented behaviour the module has. A newer one is run as the newest known."""

    module: str
    oldest: int
    newest: int


_PACKAGE = "homeport.runner.actions.native"

NATIVE: dict[str, Native] = {
    "actions/cache": Native(f"{_PACKAGE}.cache", 3, 5),
    "actions/cache/restore": Native(f"{_PACKAGE}.cache_restore", 3, 5),
    "actions/cache/save": Native(f"{_PACKAGE}.cache_save", 3, 5),
    "actions/checkout": Native(f"{_PACKAGE}.checkout", 2, 6),
    "actions/download-artifact": Native(f"{_PACKAGE}.download_artifact", 4, 8),
    "actions/setup-node": Native(f"{_PACKAGE}.setup_node", 3, 7),
    "actions/setup-python": Native(f"{_PACKAGE}.setup_python", 3, 6),
    "actions/upload-artifact": Native(f"{_PACKAGE}.upload_artifact", 4, 7),
    "actions/upload-artifact/merge": Native(f"{_PACKAGE}.upload_artifact_merge", 4, 7),
    "astral-sh/setup-uv": Native(f"{_PACKAGE}.setup_uv", 5, 10),
    "pre-commit/action": Native(f"{_PACKAGE}.pre_commit", 3, 3),
    "snok/install-poetry": Native(f"{_PACKAGE}.install_poetry", 1, 1),
    "codecov/codecov-action": Native(f"{_PACKAGE}.codecov", 4, 5),
    "pypa/gh-action-pypi-publish": Native(f"{_PACKAGE}.pypa_publish", 1, 1),
    "re-actors/alls-green": Native(f"{_PACKAGE}.alls_green", 1, 1),
}
"""By `owner/repo[/path]` in lower case."""


def find_native(name: str) -> Native | None:
    """Names of repositories ignore case."""
    return NATIVE.get(name.lower())
