"""Where native actions may write for a job: never through a link that leads out of where it stands.

Native actions write as Homeport, which may more than a job that runs behind walls: a link that the job made at or above the target must
not lead them to where the job itself could not write.
"""

import os

from homeport.runner.host import ActionError, ActionHost


def check_target(host: ActionHost, folder: str) -> None:
    """Raise `ActionError` where a path of the job leads out of the job's folders through a link.

    A path that is written outside of them (`/opt/data`) has no links of the job's own folders in it, and is what was asked for.
    """
    paths = host.paths
    path = os.path.normpath(folder)
    for area in (paths.workspace, paths.temp, paths.home, paths.tool_cache):
        if path == area or path.startswith(area + "/"):
            real = os.path.realpath(path)
            areas = [os.path.realpath(each) for each in (paths.workspace, paths.temp, paths.home, paths.tool_cache)]
            if not any(real == each or real.startswith(each + "/") for each in areas):
                raise ActionError(
                    f"'{folder}' is a link that leads out of the job's folders, to '{real}': nothing was written"
                )
            return


def is_inside(host: ActionHost, path: str) -> bool:
    """Whether a file that is to be read lies in the job's folders, wherever links lead."""
    real = os.path.realpath(path)
    areas = (host.paths.workspace, host.paths.temp, host.paths.home)
    return any(real.startswith(os.path.realpath(area) + "/") for area in areas)
