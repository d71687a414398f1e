"""Runs what a job mounts into `/docker-entrypoint-initdb.d`, as the image does: once, before anybody else can connect.

Source: docker-library/postgres, `docker-entrypoint.sh` (`docker_process_init_files`): `.sh`, `.sql`, `.sql.gz`, `.sql.xz`, `.sql.zst`, in the
order of their names; others are ignored.
"""

import os
import signal
from collections.abc import Mapping, Sequence

from homeport.runner.services.keeper import ServiceProgramError, read_log
from homeport.runner.services.providers.model import Place, Volume, locate
from homeport.runner.services.providers.postgres_cluster import Cluster

_UNPACK = {".gz": "gunzip", ".xz": "xzcat", ".zst": "zstd"}
_START_SECONDS = 60


def list_scripts(volume: Volume, folder: str) -> list[str]:
    """The files that a volume puts into the folder of scripts."""
    path, target = locate(volume), volume.target.rstrip("/")
    if path is None:
        return []
    if target == folder and os.path.isdir(path):
        return [entry.path for entry in os.scandir(path) if entry.is_file()]
    return [path] if os.path.dirname(target) == folder and os.path.isfile(path) else []


def run_scripts(cluster: Cluster, place: Place, scripts: Sequence[str], env: Mapping[str, str]) -> None:
    """Run them against a server that only they can reach. Raises `ServiceProgramError` with what they printed."""
    if not os.path.exists(f"{cluster.folder}/psql"):
        raise ServiceProgramError(f"there is no psql in {cluster.folder}, which the scripts need")
    copies = f"{place.folder}/scripts"
    os.mkdir(copies, 0o700)
    place.keeper.give(copies)
    server = _start(cluster, place)
    environment = {
        **env,
        **cluster.environment,
        "PGHOST": place.folder,
        "PGUSER": cluster.user,
        "PGDATABASE": cluster.database,
        "POSTGRES_USER": cluster.user,
        "POSTGRES_DB": cluster.database,
    }
    try:
        for script in scripts:
            _run(cluster, place, _take(script, copies, place), environment)
    finally:
        _stop(server, cluster, place)


def _start(cluster: Cluster, place: Place) -> int:
    """A server without a port."""
    output = f"{place.folder}.scripts"
    arguments = [cluster.server.path, "-D", cluster.data, "-F", "-c", "listen_addresses=", "-k", place.folder]
    pid = place.keeper.start(arguments, cluster.environment, place.folder, output=output, stop=signal.SIGQUIT)
    ready = [f"{cluster.folder}/psql", "-h", place.folder, "-U", cluster.user, "-d", "postgres", "-c", "SELECT 1"]
    for _ in range(_START_SECONDS * 10):
        try:
            place.keeper.run(ready, cluster.environment, place.folder)
        except ServiceProgramError:
            if place.keeper.poll(pid, 0.1) is not None:
                break
        else:
            return pid
    raise ServiceProgramError("PostgreSQL did not start to run scripts", read_log(output))


def _stop(pid: int, cluster: Cluster, place: Place) -> None:
    """As `pg_ctl stop -m fast`, so that nothing has to be recovered."""
    pg_ctl = f"{cluster.folder}/pg_ctl"
    place.keeper.run([pg_ctl, "-D", cluster.data, "-m", "fast", "-w", "stop"], cluster.environment, place.folder)
    place.keeper.poll(pid, 5)


def _take(script: str, copies: str, place: Place) -> str:
    """A copy that the services' user can read."""
    path = f"{copies}/{os.path.basename(script)}"
    with open(script, "rb") as source, open(path, "xb") as target:  # noqa: PTH123
        target.write(source.read())
    os.chmod(path, 0o500 if os.access(script, os.X_OK) else 0o400)
    place.keeper.give(path)
    return path


def _run(cluster: Cluster, place: Place, path: str, environment: Mapping[str, str]) -> None:
    name = os.path.basename(path)
    stem, extension = os.path.splitext(name)
    psql = [f"{cluster.folder}/psql", "-v", "ON_ERROR_STOP=1", "--no-psqlrc"]
    if extension == ".sh":
        words = [path] if os.access(path, os.X_OK) else ["/bin/bash", "-e", path]
    elif extension == ".sql":
        words = [*psql, "-f", path]
    elif extension in _UNPACK and stem.endswith(".sql"):
        flags = " -dc" if extension == ".zst" else ""
        words = ["/bin/sh", "-c", f'set -e; {_UNPACK[extension]}{flags} < "$1" > "$1.plain"; exec "$2" -v ON_ERROR_STOP=1 --no-psqlrc -f "$1.plain"',
                 "sh", path, psql[0]]  # fmt: skip
    else:
        place.say(f"{name} is ignored: it is neither .sh nor .sql")
        return
    try:
        said = place.keeper.run(words, environment, place.folder)
    except ServiceProgramError as error:
        raise ServiceProgramError(f"the script {name} failed: {error}", error.log) from error
    place.say(f"{name}:\n{said.rstrip()}")
