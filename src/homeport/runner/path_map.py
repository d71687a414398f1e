"""Translates paths between the machine and a container that has some of its folders.

Source: actions/runner `ContainerInfo.TranslateToContainerPath` and `TranslateToHostPath`.
"""

import msgspec


class Mount(msgspec.Struct, frozen=True):
    """A folder or file of the machine that a container sees."""

    outside: str
    inside: str
    read_only: bool = False


class PathMap:
    """Translates between the machine and a container. The first mount that holds a path counts."""

    def __init__(self, mounts: tuple[Mount, ...]) -> None:
        self.mounts = mounts

    def to_inside(self, path: str) -> str:
        """A path of the machine, as the container sees it; any other unchanged."""
        for mount in self.mounts:
            if path == mount.outside or path.startswith(mount.outside + "/"):
                return mount.inside + path[len(mount.outside) :]
        return path

    def to_outside(self, path: str) -> str:
        """A path of the container, as the machine sees it; any other unchanged."""
        for mount in self.mounts:
            if path == mount.inside or path.startswith(mount.inside + "/"):
                return mount.outside + path[len(mount.inside) :]
        return path

    @property
    def binds(self) -> list[str]:
        """As Docker's API takes them, those that hold others first."""
        ordered = sorted(self.mounts, key=lambda mount: mount.inside.count("/"))
        return [f"{mount.outside}:{mount.inside}{':ro' if mount.read_only else ''}" for mount in ordered]
