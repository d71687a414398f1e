"""The `options` of a service: arguments of `docker create`, as far as they mean something to a program of this machine.

Source: GitHub docs, "jobs.<job_id>.services.<service_id>.options" (`--network` is not supported); Docker docs, "docker container create".
"""

import re
from collections.abc import Sequence

import msgspec

from homeport.runner.services.words import split_words

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SHORT = {"-e": "--env", "-p": "--publish", "-v": "--volume", "-l": "--label", "-m": "--memory", "-h": "--hostname",
          "-u": "--user", "-c": "--cpu-shares", "-w": "--workdir"}  # fmt: skip
_HEALTH = {
    "--health-interval": "interval",
    "--health-timeout": "timeout",
    "--health-start-period": "start_period",
    "--health-start-interval": "start_interval",
}
_WITHOUT_MEANING = frozenset({"--name", "--label", "--pull", "--restart", "--platform", "--stop-signal", "--stop-timeout",
                              "--log-driver", "--log-opt", "--quiet", "--rm", "--init", "--tmpfs", "--expose",
                              "--publish-all", "-P", "--detach", "-d", "--tty", "-t", "--interactive", "-i"})  # fmt: skip
"""What changes nothing that a job could see, where the program is started anew for each job and thrown away after it."""
_WITHOUT_EFFECT = {
    "--hostname": "the service is reached as localhost",
    "--network-alias": "the service is reached as localhost",
    "--add-host": "the names of this machine hold",
    "--dns": "the names of this machine hold",
    "--ip": "the service listens on 127.0.0.1",
    "--user": "services run as an ordinary user of this machine",
    "--workdir": "the service has a folder of its own",
    "--memory": "there is no container to limit",
    "--memory-swap": "there is no container to limit",
    "--memory-swappiness": "there is no container to limit",
    "--shm-size": "the machine's /dev/shm is used",
    "--cpus": "there is no container to limit",
    "--cpu-shares": "there is no container to limit",
    "--cpu-quota": "there is no container to limit",
    "--cpuset-cpus": "there is no container to limit",
    "--pids-limit": "there is no container to limit",
    "--ulimit": "the machine's limits hold",
    "--sysctl": "the machine's settings hold",
    "--cap-add": "services have no capabilities",
    "--cap-drop": "services have no capabilities",
    "--privileged": "services have no capabilities",
    "--security-opt": "there is no container",
    "--device": "there is no container",
    "--gpus": "there is no container",
    "--read-only": "there is no container",
    "--mount": "there is no container to mount into",
    "--volumes-from": "there is no container",
}
_FLAGS = frozenset({"--no-healthcheck", "--privileged", "--read-only", "--init", "--rm", "--quiet", "--publish-all", "-P",
                    "--detach", "-d", "--tty", "-t", "--interactive", "-i"})  # fmt: skip


class HealthOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`--health-…`, in seconds. `command` is None where the image's own check holds, and empty where there is to be none."""

    command: str | None = None
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0

    @property
    def patience(self) -> float:
        """How long a service may fail its check before it counts as unhealthy."""
        return self.start_period + self.retries * self.interval


class CreateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the options ask for. `refused` cannot be done at all; `without_effect` is not done, and should be said."""

    health: HealthOptions = HealthOptions()
    env: dict[str, str] = {}
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    entrypoint: str = ""
    refused: tuple[str, ...] = ()
    without_effect: tuple[str, ...] = ()


def read_create_options(text: str) -> CreateOptions:
    """Read `options`; every option that is not known is among `refused`."""
    reading = _Reading()
    words = split_words(text)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            reading.refused.append(f"'{word}' in its options is not an option (only double quotes hold words together)")
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2 and word[:2] in _SHORT:
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
        if name not in _FLAGS and not equals:
            if not words:
                reading.refused.append(f"the option {name} has no value")
                break
            value = words.pop(0)
        reading.take(_SHORT.get(name, name), value)
    return reading.finish()


class _Reading:
    """What was gathered so far."""

    def __init__(self) -> None:
        self._health: dict[str, float | int | str] = {}
        self._env: dict[str, str] = {}
        self._ports: list[str] = []
        self._volumes: list[str] = []
        self._entrypoint = ""
        self._ignored: list[str] = []
        self.refused: list[str] = []

    def take(self, name: str, value: str) -> None:
        """One option."""
        match name:
            case "--health-cmd":
                self._health["command"] = value
            case "--no-healthcheck":
                self._health["command"] = ""
            case "--health-retries":
                self._take_retries(value)
            case "--env":
                key, _, text = value.partition("=")
                self._env[key] = text
            case "--publish":
                self._ports.append(value)
            case "--volume":
                self._volumes.append(value)
            case "--entrypoint":
                self._entrypoint = value
            case _ if name in _HEALTH:
                self._take_duration(name, value)
            case _ if name in _WITHOUT_EFFECT:
                self._ignored.append(f"the option {name} has no effect: {_WITHOUT_EFFECT[name]}")
            case "--network" | "--net":
                self.refused.append(f"the option {name} is not supported, as on GitHub")
            case _ if name not in _WITHOUT_MEANING:
                self.refused.append(f"the option {name} is not known")

    def _take_retries(self, value: str) -> None:
        if value.isascii() and value.isdigit():
            self._health["retries"] = int(value) or 3
        else:
            self.refused.append(f"--health-retries is '{value}', expected a whole number")

    def _take_duration(self, name: str, value: str) -> None:
        """As Go writes durations: `1m30s`; 0 is the default."""
        found = _DURATION.findall(value)
        if value != "0" and (not found or "".join(number + unit for number, unit in found) != value):
            self.refused.append(f"{name} is '{value}', expected a duration such as 10s")
            return
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in found)
        if seconds and _HEALTH[name] != "start_interval":
            self._health[_HEALTH[name]] = seconds

    def finish(self) -> CreateOptions:
        """All of it."""
        return CreateOptions(
            health=msgspec.convert(self._health, HealthOptions),
            env=self._env,
            ports=tuple(self._ports),
            volumes=tuple(self._volumes),
            entrypoint=self._entrypoint,
            refused=tuple(self.refused),
            without_effect=tuple(dict.fromkeys(self._ignored)),
        )


def describe_all(problems: Sequence[str]) -> str:
    """Several problems as one sentence."""
    return "; ".join(problems)
