"""Which native actions serve a job that runs in a container: those that move files between its workspace and Homeport's stores.

The others set up or run tools, which would be the machine's and not the container's: their originals run, in the container.
"""

_SERVE_CONTAINERS = frozenset(
    {
        "actions/cache",
        "actions/cache/restore",
        "actions/cache/save",
        "actions/checkout",
        "actions/download-artifact",
        "actions/upload-artifact",
        "actions/upload-artifact/merge",
        "re-actors/alls-green",
    }
)


def serves_containers(name: str) -> bool:
    """Whether Homeport's own version of `owner/repo[/path]` works from outside of the container."""
    return name.lower() in _SERVE_CONTAINERS
