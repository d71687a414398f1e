"""The name of an image, taken apart: `docker.io/library/postgres:15-alpine@sha256:…`."""

import re

import msgspec

_OFFICIAL = ("docker.io/library/", "index.docker.io/library/", "library/", "docker.io/", "index.docker.io/")


class Image(msgspec.Struct, frozen=True):
    """`name` is without registry where that is Docker Hub: `postgres`, `localstack/localstack`, `ghcr.io/a/b`."""

    text: str
    name: str
    tag: str

    @property
    def major(self) -> int | None:
        """The major version that the tag asks for; None where it does not say (`latest`, `alpine`, a digest alone)."""
        found = re.match(r"v?(\d+)(?![\d])", self.tag)
        return int(found[1]) if found is not None and int(found[1]) < 1000 else None


def read_image(text: str) -> Image:
    """Take a reference apart (Docker's docs, "image tag": a colon after the last slash begins the tag)."""
    rest = text.strip().removeprefix("docker://").partition("@")[0]
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    name = f"{head}{slash}{name}"
    for prefix in _OFFICIAL:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    return Image(text, name, tag or "latest")
