"""Gives a job a folder of its own for Node's programs, so that what it installs globally nobody else sees.

npm installs globally into the folder of the Node that runs it (npm docs, "folders"). That is the machine's, or the tool cache's: so
the job's `npm` and `npx` name the job's folder in its place, unless the job names another.
"""

import os

from homeport.runner.actions.native.setup_node.source import Node
from homeport.runner.folders import make_folder, remove_tree, write_file


def make_prefix(node: Node, folder: str) -> None:
    """Build it where nothing stands yet; whole or not at all. Raises `OSError`."""
    if os.path.isdir(folder):
        return
    building = f"{folder}.{os.urandom(4).hex()}.new"
    modules = os.path.join(building, "lib", "node_modules")
    make_folder(os.path.join(building, "bin"))
    make_folder(modules)
    try:
        os.symlink(node.executable, os.path.join(building, "bin", "node"))
        os.symlink(node.npm, os.path.join(modules, "npm"))
        for program in ("npm", "npx"):
            _write_program(building, program, folder, os.path.join(node.npm, "bin", f"{program}-cli.js"))
        corepack = os.path.join(os.path.dirname(node.npm), "corepack")
        if os.path.isfile(os.path.join(corepack, "dist", "corepack.js")):
            os.symlink(corepack, os.path.join(modules, "corepack"))
            os.symlink("../lib/node_modules/corepack/dist/corepack.js", os.path.join(building, "bin", "corepack"))
        _move_into_place(building, folder)
    finally:
        remove_tree(building)


def _move_into_place(building: str, folder: str) -> None:
    try:
        os.rename(building, folder)
    except OSError:
        if not os.path.isdir(folder):  # else another step of the job, in the background, has made it meanwhile
            raise


def _write_program(building: str, program: str, folder: str, script: str) -> None:
    text = (
        "#!/bin/sh\n"
        f'[ -n "${{npm_config_prefix-}}${{NPM_CONFIG_PREFIX-}}" ] || export npm_config_prefix={_quote(folder)}\n'
        f'exec {_quote(folder + "/bin/node")} {_quote(script)} "$@"\n'
    )
    path = os.path.join(building, "bin", program)
    write_file(path, text.encode())
    os.chmod(path, 0o700)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
