"""Takes the folders of a job that has ended for one that goes on in them."""

import errno
import os
import stat

from homeport.ports.executor import JobPaths
from homeport.runner.folders import remove_tree


def take_again(paths: JobPaths) -> None:
    """See that the folders are there, and clear those that are filled anew: actions and what steps are given.

    A hostile job may have put a link in the place of a folder that the runner writes to: that is refused. Raises `OSError`.
    """
    for folder in (paths.root, os.path.dirname(paths.workspace), paths.temp, paths.home):
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise OSError(errno.ENOTDIR, "this is not the folder that the job had", folder)
    for folder in (paths.commands, paths.actions):
        remove_tree(folder)
        os.mkdir(folder, 0o700)
