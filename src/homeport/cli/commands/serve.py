"""`homeport serve`: the server, in one process and one folder."""

import gc
import logging
import os
import socket
import ssl
import threading
from urllib.parse import urlsplit

import msgspec
import uvloop

from homeport.cli.console import Console
from homeport.cli.errors import OK, CommandError, UsageError
from homeport.cli.execution import count_cores
from homeport.cli.home import find_home
from homeport.cli.isolation import NoSandbox, try_sandbox
from homeport.cli.options import FORMAT, Command, Option, Options
from homeport.cli.server_access import setup_url
from homeport.cli.server_ground import open_database
from homeport.cli.server_log import own_log
from homeport.cli.server_parts import build_server
from homeport.ports.repositories import StoreError
from homeport.server import lifecycle
from homeport.server.access import Access
from homeport.server.app import build_app
from homeport.server.engine import EngineEndedError
from homeport.server.ownership import owned
from homeport.server.pages import open_pages
from homeport.server.pages.rendering import Pages
from homeport.server.settings import ServerSettings
from homeport.server.waiting import Bell
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database

_DEFAULT_ADDRESS = "127.0.0.1:8080"
_LARGEST_PORT = 65535
_NEW_OBJECTS = 5_000
"""How many more there have to be before the garbage collector looks at the newest"""
_LOG = logging.getLogger("homeport.server")

COMMAND = Command(
    name="serve",
    summary="the server: takes pushes and webhooks, runs workflows, keeps and shows what came of them",
    options=(
        Option(
            name="--listen",
            value="HOST:PORT",
            help=f"where to listen (default: {_DEFAULT_ADDRESS}; port 0: any free one)",
        ),
        Option(
            name="--data", value="DIR", help="the folder that everything is kept in (default: server in HOMEPORT_HOME)"
        ),
        Option(
            name="--database",
            value="URL",
            help="another database than the SQLite in that folder: postgresql+psycopg://…",
        ),
        Option(
            name="--public-url", value="URL", help="how others reach this server, where that is not where it listens"
        ),
        Option(name="--tls-cert", value="FILE", help="serve HTTPS with this certificate (PEM)"),
        Option(name="--tls-key", value="FILE", help="the certificate's private key (PEM)"),
        Option(
            name="--internal-forge",
            value="HOST",
            help="a forge inside the own network that may be fetched from (may be repeated)",
            repeat=True,
        ),
        Option(
            name="--parallel",
            value="N",
            help="jobs at a time (default: the cores, at least 2); 0: no runner of its own",
            whole_number=True,
            minimum=0,
        ),
        Option(
            name="--executor",
            value="NAME",
            help="how commands of jobs run: process or sandbox (default: sandbox, where this machine has one)",
            choices=("process", "sandbox"),
        ),
        Option(
            name="--keep-failed",
            value="MINUTES",
            help="how long a failed job's folders are kept, to go on from the step that failed (default: 60; 0: not at all)",
            whole_number=True,
            minimum=0,
        ),
        Option(
            name="--log-format",
            value="text|json",
            help="how the server's own log is written to stderr (default: text)",
            choices=("text", "json"),
        ),
        Option(name="--reload", help="start again whenever Homeport's own code changes: for work on it"),
        FORMAT,
    ),
    details=(
        "The first start prints a link by which the first person signs in. The server ends with SIGTERM or ^C; jobs that run\n"
        "go on, and the next start finds them again."
    ),
)


class Ready(msgspec.Struct, frozen=True, tag="ready", kw_only=True):
    """What `--format json` prints once connections are taken."""

    url: str
    data: str
    sign_in: str = ""
    """a link for the first person, good once; empty where there is an administrator already"""


def main(options: Options, console: Console) -> int:
    """Serve until told to stop. Raises `CommandError`."""
    if options.flag("--reload"):
        from homeport.cli.reloading import run_again_on_change  # noqa: PLC0415 - for work on Homeport only

        read_settings(options, console)
        return run_again_on_change(["serve", *_list_words(options)], console)
    with own_log(console, as_json=options.get("--log-format", "text") == "json"):
        return _serve_on(read_settings(options, console), options, console)


def _serve_on(settings: ServerSettings, options: Options, console: Console) -> int:
    os.umask(0o077)  # what is kept is nobody else's to read
    public = _listen(settings)
    settings = msgspec.structs.replace(settings, listen_port=public.getsockname()[1])
    try:
        with public, owned(DataFolder(settings.data), f"the server at {settings.url} (process {os.getpid()})"):
            database = open_database(settings)
            try:
                uvloop.run(_serve(settings, database, public, options, console))
            finally:
                database.close()
    except (StoreError, EngineEndedError) as error:
        raise CommandError(str(error)) from error
    return OK


def _list_words(options: Options) -> list[str]:
    """What was given, but for `--reload`."""
    names = [option.name for option in COMMAND.options if option.value]
    return [word for name in names for value in options.all(name) for word in (name, value)]


async def _serve(
    settings: ServerSettings, database: Database, public: socket.socket, options: Options, console: Console
) -> None:
    bell = Bell()
    server = build_server(settings, database, bell, console.environment)
    shown = open_pages(server.parts)

    def say_ready() -> None:
        ready = Ready(url=settings.url, data=settings.data, sign_in=_make_link(server.parts.access))
        if options.get("--format", "text") == "json":
            console.write(msgspec.json.encode(ready) + b"\n")
        else:
            console.print(f"homeport serves at {ready.url}, and keeps everything in {ready.data}")
            if ready.sign_in:
                console.print(f"nobody can sign in yet: become the administrator at {ready.sign_in} (good once)")
        threading.Thread(target=_settle, args=(shown,), name="settling", daemon=True).start()

    await lifecycle.serve(server.parts, build_app(server.parts, shown), server.runner_routes, public, say_ready)


def _settle(shown: Pages) -> None:
    """What is better done when connections are taken already: templates are compiled, and the garbage collector is told to leave alone what
    stays for ever. It has 100,000 objects to look at otherwise, now and then, and nothing else moves for 40 ms.
    """
    shown.prepare()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _make_link(access: Access) -> str:
    if not access.sessions.needs_first_administrator():
        return ""
    return setup_url(access.public_url, access.sessions.make_link(None, "homeport serve"))


def read_settings(options: Options, console: Console) -> ServerSettings:
    """What the options say. Raises `UsageError`."""
    host, port = _read_address(options.get("--listen", _DEFAULT_ADDRESS))
    certificate, key = options.get("--tls-cert", ""), options.get("--tls-key", "")
    if bool(certificate) != bool(key):
        raise UsageError("--tls-cert and --tls-key belong together", "--tls-cert cert.pem --tls-key key.pem")
    data = options.find("--data")
    settings = ServerSettings(
        data=os.path.abspath(os.path.join(console.folder, data))
        if data
        else os.path.join(find_home(console.environment), "server"),
        listen_host=host,
        listen_port=port,
        database_url=options.get("--database", ""),
        public_url=_read_url(options.get("--public-url", "")),
        tls_certificate=_absolute(certificate, console),
        tls_key=_absolute(key, console),
        internal_forges=tuple(options.all("--internal-forge")),
        parallel=options.number("--parallel", max(2, count_cores())),
        executor=_choose_executor(options, console),
        keep_failed_minutes=options.number("--keep-failed", 60),
    )
    _check_tls(settings)
    return settings


def _choose_executor(options: Options, console: Console) -> str:
    """What is asked for must be had; where nothing is, a sandbox if this machine can build one."""
    wanted = options.find("--executor")
    if wanted == "process":
        return wanted
    found = try_sandbox(console.environment)
    if not isinstance(found, NoSandbox):
        return "sandbox"
    if wanted is not None:
        raise UsageError(f"--executor sandbox: {found.reason}", found.remedy)
    _LOG.warning(
        f"jobs run without a sandbox ({found.reason}): what runs in them can read this server's data folder, its "
        f"keys and all repositories. Serve only people whom you trust so far, or have one: {found.remedy}"
    )
    return "process"


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        raise UsageError(f"--listen is {text!r}, expected HOST:PORT", f"--listen {_DEFAULT_ADDRESS}")
    return host, int(port)


def _read_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment):
        raise UsageError(f"--public-url is {text!r}, expected an address", "--public-url https://ci.example.com")
    if parts.path.strip("/"):
        raise UsageError("--public-url has a path: Homeport has to be at the root of its host", "use a host of its own")
    return text.rstrip("/")


def _check_tls(settings: ServerSettings) -> None:
    if settings.tls_certificate:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"the certificate and its key cannot be used: {error}") from error


def _absolute(path: str, console: Console) -> str:
    return os.path.join(console.folder, path) if path else ""


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        return lifecycle.listen(settings)
    except OSError as error:
        address = f"{settings.listen_host}:{settings.listen_port}"
        raise CommandError(
            f"nothing can listen on {address}: {error.strerror or error}", "--listen 127.0.0.1:0 takes a free port"
        ) from error
