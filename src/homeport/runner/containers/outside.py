"""Native actions of a job in a container: they run on the machine, where the job's folders are too, and must not reach beyond those
(which of them do so, `actions/contained.py` says).
"""

from collections.abc import Mapping

from homeport.runner.host import ActionError
from homeport.runner.path_map import PathMap

_OF_PATHS = "path"
"""The input that names files, in all of them"""


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
