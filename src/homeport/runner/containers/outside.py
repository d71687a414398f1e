"""Native actions of a job in a container: they run on the machine, where the job's folders are too, and must not reach beyond those.

Those that move files between the workspace and Homeport's stores do so as well from there. The others set up or run tools, which would
be the machine's and not the container's: their originals run, in the container.
"""

from collections.abc import Mapping

from homeport.runner.host import ActionError
from homeport.runner.path_map import PathMap

_OUTSIDE = frozenset(
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
_OF_PATHS = "path"
"""The input that names files, in all of them"""


def runs_outside(uses: str) -> bool:
    """Whether Homeport's own version of an action serves a job in a container."""
    return uses.partition("@")[0].strip().lower() in _OUTSIDE


def translate_inputs(inputs: Mapping[str, str], path_map: PathMap) -> dict[str, str]:
    """Inputs with the paths of the machine. Raises `ActionError` for files that only the container has."""
    return {
        name: "\n".join(_translate(line, path_map, is_path=name.lower() == _OF_PATHS) for line in value.split("\n"))
        for name, value in inputs.items()
    }


def _translate(line: str, path_map: PathMap, *, is_path: bool) -> str:
    marks = line[: len(line) - len(line.lstrip("! "))]
    path = line[len(marks) :]
    outside = path_map.to_outside(path)
    if is_path and path.startswith("/") and path_map.to_inside(outside) == outside:
        raise ActionError(
            f"'{path}' is within the job's container, where Homeport's own version of this action does not look: use a path below the "
            "workspace or the home folder (~), or run the original with `--actions upstream`"
        )
    return marks + outside
