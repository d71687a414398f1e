"""Makes the data folder of a PostgreSQL server: a kept fresh one is copied, and gets the job's own password and database."""

import hashlib
import os
import shutil
from collections.abc import Mapping

import msgspec

from homeport.runner.folders import make_folder, remove_tree
from homeport.runner.services.keeper import ServiceProgramError
from homeport.runner.services.programs import Installed
from homeport.runner.services.providers.model import Place

_LOCALES = ("en_US.UTF-8", "C.UTF-8", "C")
_KEEP_SECONDS = 30 * 24 * 60 * 60
_TAR = shutil.which("tar", path=os.defpath) or "tar"
_LOCALE = "HOMEPORT_LOCALE"
"""A file in a kept cluster: how it sorts."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is to serve."""

    server: Installed
    folder: str
    """where its programs are"""
    data: str
    user: str
    password: str
    database: str
    method: str
    """how clients prove who they are"""
    initdb_arguments: tuple[str, ...]
    timezone: str

    @property
    def environment(self) -> Mapping[str, str]:
        """For the server and its tools: nothing of Homeport's own."""
        zone = self.timezone or "UTC"
        return {
            "PATH": f"{self.folder}:{os.defpath}",
            "TZ": zone,
            "LC_MESSAGES": "C",
            "HOME": os.path.dirname(self.data),
        }


def make_cluster(cluster: Cluster, place: Place) -> None:
    """Fill the data folder. Raises `ServiceProgramError`."""
    kept = f"{place.store}/{_name(cluster)}.tar"
    if not os.path.exists(kept):
        _keep_fresh_cluster(cluster, place, kept)
        _forget_unused(place.store, kept)
    os.utime(kept)
    os.mkdir(cluster.data, 0o700)
    place.keeper.give(cluster.data)
    # a thousand small files: a program in C is several times quicker, and they belong to the right user at once
    place.keeper.run([_TAR, "-x", "-m", "-f", "-"], cluster.environment, cluster.data, source=kept)
    with open(f"{cluster.data}/{_LOCALE}", encoding="ascii") as file:  # noqa: PTH123
        locale = file.read()
    if locale != _LOCALES[0] and not any("local" in argument for argument in cluster.initdb_arguments):
        place.say(f"Text is sorted as in {locale}: this machine has no {_LOCALES[0]}, which the image uses.")
    _set_up(cluster, place)
    lines = ["local all all trust\n", f"host all all 127.0.0.1/32 {cluster.method}\n"]
    _write_own(f"{cluster.data}/pg_hba.conf", "".join(lines), place)


def _name(cluster: Cluster) -> str:
    """One for each that `initdb` would make differently."""
    status = os.stat(cluster.server.path)
    facts = (cluster.server.product, cluster.server.path, status.st_mtime_ns, cluster.user, cluster.initdb_arguments)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


def _keep_fresh_cluster(cluster: Cluster, place: Place, kept: str) -> None:
    """As an archive, whole or not at all; another job may do the same at this moment."""
    fresh = f"{place.folder}/fresh"
    locale = _run_initdb(cluster, place, fresh)
    _write_own(f"{fresh}/{_LOCALE}", locale, place)
    packed = f"{place.folder}.tar"
    place.keeper.run([_TAR, "-c", "-S", "-f", "-", "."], cluster.environment, fresh, output=packed)
    make_folder(place.store)
    part = f"{kept}.{os.urandom(6).hex()}"
    try:
        shutil.copyfile(packed, part)
        os.rename(part, kept)
    finally:
        remove_tree(part)
        remove_tree(packed)
        remove_tree(fresh)


def _forget_unused(store: str, kept: str) -> None:
    """Servers are updated, and users of databases renamed: what was made for the old ones goes after a month."""
    newest = os.stat(kept).st_mtime
    with os.scandir(store) as entries:
        for entry in entries:
            if newest - entry.stat().st_mtime > _KEEP_SECONDS:
                remove_tree(entry.path)


def _run_initdb(cluster: Cluster, place: Place, fresh: str) -> str:
    """The locale that the machine has for it. Nobody knows the password that it is made with."""
    initdb = f"{cluster.folder}/initdb"
    secret = f"{place.folder}/secret"
    _write_own(secret, os.urandom(24).hex(), place)
    given = ["-D", fresh, "-U", cluster.user, f"--pwfile={secret}", "--no-sync", "--encoding=UTF8"]
    methods = ["--auth-local=trust", "--auth-host=scram-sha-256"]
    trouble: ServiceProgramError | None = None
    try:
        for locale in _LOCALES:
            words = [initdb, *given, *methods, f"--locale={locale}", *cluster.initdb_arguments]
            try:
                place.keeper.run(words, cluster.environment, place.folder)
            except ServiceProgramError as error:
                trouble = error
                if "invalid locale" in error.log:
                    continue
                raise
            else:
                return locale
    finally:
        os.unlink(secret)
    raise trouble or ServiceProgramError("initdb failed")


def _set_up(cluster: Cluster, place: Place) -> None:
    """In a server of one user that listens nowhere: when the port opens, everything is there."""
    password = f" PASSWORD {quote(cluster.password)}" if cluster.password else " PASSWORD NULL"
    commands = [f"ALTER ROLE {quote_name(cluster.user)}{password}"]
    if cluster.database not in {"postgres", "template0", "template1"}:
        # copied file by file, and not through the log, which would write it twice
        strategy = " STRATEGY FILE_COPY" if cluster.server.major >= 15 else ""
        commands.append(f"CREATE DATABASE {quote_name(cluster.database)}{strategy}")
    if cluster.timezone:
        commands.append(f"ALTER SYSTEM SET timezone = {quote(cluster.timezone)}")
    said = place.keeper.run(
        [cluster.server.path, "--single", "-j", "-F", "-D", cluster.data, "postgres"],
        cluster.environment,
        place.folder,
        text="".join(f"{command};\n\n" for command in commands),
    )
    for line in said.splitlines():
        if "ERROR:" in line or "FATAL:" in line:
            raise ServiceProgramError(f"PostgreSQL refuses: {line.partition('ERROR:')[2].strip() or line}", said)


def quote(text: str) -> str:
    """A text for SQL, on one line."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"E'{escaped}'"


def quote_name(name: str) -> str:
    """A name for SQL. Raises `ServiceProgramError` for one that no server takes."""
    if not name.isprintable() or len(name.encode("utf-8", "replace")) > 63:
        raise ServiceProgramError(f"'{name}' cannot be the name of a user or a database")
    return '"' + name.replace('"', '""') + '"'


def copy_installation(server: str, place: Place) -> str:
    """Put the server where the services' user can reach it; gives its path there. Programs find their libraries beside them."""
    root = os.path.dirname(os.path.dirname(server))
    target = f"{place.keeper.folder}/programs/{os.path.basename(os.path.dirname(root))}/{os.path.basename(root)}"
    if not os.path.exists(target):
        os.makedirs(os.path.dirname(target), 0o755)
        shutil.copytree(root, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = f"{os.path.dirname(root)}.libs"
        if os.path.isdir(libraries):
            shutil.copytree(libraries, f"{place.keeper.folder}/programs/{os.path.basename(libraries)}")
    return f"{target}/bin/{os.path.basename(server)}"


def _write_own(path: str, text: str, place: Place) -> None:
    """A file that the services' user may read, and nobody else."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
    place.keeper.give(path)
