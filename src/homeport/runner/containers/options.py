"""The `options` of a container: arguments of `docker create`, as the body of Docker's `POST /containers/create`.

Source: GitHub docs, "jobs.<job_id>.container.options" (`--network` and `--entrypoint` of a job's own container are not supported); Docker
docs, "docker container create" and "Engine API: ContainerCreate". An option that is not known is refused: left out, a job could be green
for the wrong reason.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from homeport.runner.services.words import split_words

_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([bkmgt]?)b?", re.IGNORECASE)


class OptionError(Exception):
    """An option that cannot be carried out."""


class Creation(msgspec.Struct):
    """What the options say. `body` and `host` are of Docker's API; ports, volumes and the entrypoint are for who creates the container."""

    body: dict[str, Any] = {}
    host: dict[str, Any] = {}
    environment: list[str] = []
    labels: dict[str, str] = {}
    ports: list[str] = []
    volumes: list[str] = []
    aliases: list[str] = []
    name: str | None = None
    platform: str | None = None


Take = Callable[[Creation, str], None]


def read_options(text: str) -> Creation:
    """Read `options`. Raises `OptionError` for the first that is unknown, unsupported or malformed."""
    creation = Creation()
    words = split_words(text)
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word == "-":
            raise OptionError(f"'{word}' in its options is not an option (double quotes hold words together)")
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
        name = _SHORT.get(name, name)
        if name in _FLAGS:
            _FLAGS[name](creation, _read_flag(name, value if equals else "true"))
            continue
        take = _find(name)
        if not equals:
            if not words:
                raise OptionError(f"the option {name} has no value")
            value = words.pop(0)
        take(creation, value)
    return creation


def _find(name: str) -> Take:
    if name in _REFUSED:
        raise OptionError(f"the option {name} is not supported{_REFUSED[name]}")
    if name not in _VALUES:
        raise OptionError(f"the option {name} is not known")
    return _VALUES[name]


# --- values ------------------------------------------------------------------------------------------------------------


def read_duration(text: str) -> int:
    """Nanoseconds, from what Go writes as a duration: `1m30s`. Raises `OptionError`."""
    found = _DURATION.findall(text)
    if text != "0" and (not found or "".join(number + unit for number, unit in found) != text):
        raise OptionError(f"'{text}' in its options is not a duration such as 10s")
    return int(sum(float(number) * _NANOSECONDS[unit] for number, unit in found))


def _read_size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        if text == "-1":
            return -1
        raise OptionError(f"'{text}' in its options is not a size such as 512m")
    return int(float(found[1]) * _SIZES[found[2].lower()])


def _read_number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise OptionError(f"'{text}' in its options is not a whole number") from error


def _read_flag(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0", "t", "f"}:
        raise OptionError(f"the option {name} is '{text}', expected true or false")
    return text.lower() in {"true", "1", "t"}


# --- where they go -----------------------------------------------------------------------------------------------------


def _body(key: str, convert: Callable[[str], object] = str) -> Take:
    def take(creation: Creation, value: str) -> None:
        creation.body[key] = convert(value)

    return take


def _host(key: str, convert: Callable[[str], object] = str) -> Take:
    def take(creation: Creation, value: str) -> None:
        creation.host[key] = convert(value)

    return take


def _add(key: str, convert: Callable[[str], object] = str) -> Take:
    def take(creation: Creation, value: str) -> None:
        creation.host.setdefault(key, []).append(convert(value))

    return take


def _pair(key: str, *, default: str = "") -> Take:
    def take(creation: Creation, value: str) -> None:
        name, equals, text = value.partition("=")
        creation.host.setdefault(key, {})[name] = text if equals else default

    return take


def _health(key: str, convert: Callable[[str], object]) -> Take:
    def take(creation: Creation, value: str) -> None:
        creation.body.setdefault("Healthcheck", {})[key] = convert(value)

    return take


def _take_environment(creation: Creation, value: str) -> None:
    if "=" not in value:
        raise OptionError(f"--env {value} would take its value from the runner's own environment; write {value}=…")
    creation.environment.append(value)


def _take_label(creation: Creation, value: str) -> None:
    name, _, text = value.partition("=")
    creation.labels[name] = text


def _take_tmpfs(creation: Creation, value: str) -> None:
    folder, _, options = value.partition(":")
    creation.host.setdefault("Tmpfs", {})[folder] = options


def _take_mount(creation: Creation, value: str) -> None:
    pairs = dict(part.partition("=")[::2] for part in value.split(","))
    names = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
    fields = {names.get(name, name): text for name, text in pairs.items()}
    unknown = fields.keys() - {"type", "source", "target", "readonly"}
    if unknown or "target" not in fields:
        raise OptionError(f"--mount {value} cannot be read: expected type=…,source=…,target=…[,readonly]")
    mount = {"Type": fields.get("type", "volume"), "Target": fields["target"], "ReadOnly": "readonly" in fields}
    creation.host.setdefault("Mounts", []).append(
        {**mount, **({"Source": fields["source"]} if "source" in fields else {})}
    )


def _take_restart(creation: Creation, value: str) -> None:
    name, _, count = value.partition(":")
    creation.host["RestartPolicy"] = {"Name": name, "MaximumRetryCount": _read_number(count) if count else 0}


def _take_ulimit(creation: Creation, value: str) -> None:
    name, _, limits = value.partition("=")
    soft, _, hard = limits.partition(":")
    limit = {"Name": name, "Soft": _read_number(soft), "Hard": _read_number(hard or soft)}
    creation.host.setdefault("Ulimits", []).append(limit)


def _take_device(creation: Creation, value: str) -> None:
    outside, _, rest = value.partition(":")
    inside, _, rights = rest.partition(":")
    device = {"PathOnHost": outside, "PathInContainer": inside or outside, "CgroupPermissions": rights or "rwm"}
    creation.host.setdefault("Devices", []).append(device)


def _take_gpus(creation: Creation, value: str) -> None:
    count = -1 if value == "all" else _read_number(value)
    creation.host["DeviceRequests"] = [{"Driver": "", "Count": count, "Capabilities": [["gpu"]]}]


def _take_expose(creation: Creation, value: str) -> None:
    creation.body.setdefault("ExposedPorts", {})[value if "/" in value else f"{value}/tcp"] = {}


def _take_name(creation: Creation, value: str) -> None:
    creation.name = value


def _take_platform(creation: Creation, value: str) -> None:
    creation.platform = value


def _append(name: str) -> Take:
    def take(creation: Creation, value: str) -> None:
        getattr(creation, name).append(value)

    return take


def _ignore(creation: Creation, value: str | bool) -> None:
    """What has no meaning for a container that runs by itself."""


def _switch(key: str) -> Callable[[Creation, bool], None]:
    def take(creation: Creation, value: bool) -> None:
        creation.host[key] = value

    return take


def _turn_off_health(creation: Creation, value: bool) -> None:
    if value:
        creation.body["Healthcheck"] = {"Test": ["NONE"]}


_SHORT = {
    "-a": "--attach", "-c": "--cpu-shares", "-d": "--detach", "-e": "--env", "-h": "--hostname", "-i": "--interactive",
    "-l": "--label", "-m": "--memory", "-p": "--publish", "-P": "--publish-all", "-t": "--tty", "-u": "--user",
    "-v": "--volume", "-w": "--workdir", "-q": "--quiet", "--net": "--network", "--net-alias": "--network-alias",
    "--dns-opt": "--dns-option",
}  # fmt: skip
_REFUSED = {
    "--network": ", as on GitHub: the containers of a job have a network of their own",
    "--env-file": ": write `env` in its place",
    "--label-file": ": write --label in its place",
    "--cidfile": "",
    "--ip": ": the containers of a job know each other by name",
    "--ip6": ": the containers of a job know each other by name",
}
_FLAGS: dict[str, Callable[[Creation, bool], None]] = {
    "--privileged": _switch("Privileged"),
    "--init": _switch("Init"),
    "--read-only": _switch("ReadonlyRootfs"),
    "--publish-all": _switch("PublishAllPorts"),
    "--oom-kill-disable": _switch("OomKillDisable"),
    "--no-healthcheck": _turn_off_health,
    "--tty": lambda creation, value: creation.body.update(Tty=value),
    "--interactive": lambda creation, value: creation.body.update(OpenStdin=value),
    "--detach": _ignore,
    "--quiet": _ignore,
    "--rm": _ignore,
}
_VALUES: dict[str, Take] = {
    "--add-host": _add("ExtraHosts", lambda value: value.replace("=", ":", 1) if ":" not in value else value),
    "--attach": _ignore,
    "--blkio-weight": _host("BlkioWeight", _read_number),
    "--cap-add": _add("CapAdd"),
    "--cap-drop": _add("CapDrop"),
    "--cgroup-parent": _host("CgroupParent"),
    "--cgroupns": _host("CgroupnsMode"),
    "--cpu-period": _host("CpuPeriod", _read_number),
    "--cpu-quota": _host("CpuQuota", _read_number),
    "--cpu-shares": _host("CpuShares", _read_number),
    "--cpus": _host("NanoCpus", lambda value: int(_read_decimal(value) * 10**9)),
    "--cpuset-cpus": _host("CpusetCpus"),
    "--cpuset-mems": _host("CpusetMems"),
    "--device": _take_device,
    "--device-cgroup-rule": _add("DeviceCgroupRules"),
    "--dns": _add("Dns"),
    "--dns-option": _add("DnsOptions"),
    "--dns-search": _add("DnsSearch"),
    "--domainname": _body("Domainname"),
    "--entrypoint": _body("Entrypoint", lambda value: [value]),
    "--env": _take_environment,
    "--expose": _take_expose,
    "--gpus": _take_gpus,
    "--group-add": _add("GroupAdd"),
    "--health-cmd": _health("Test", lambda value: ["CMD-SHELL", value]),
    "--health-interval": _health("Interval", read_duration),
    "--health-retries": _health("Retries", _read_number),
    "--health-start-interval": _health("StartInterval", read_duration),
    "--health-start-period": _health("StartPeriod", read_duration),
    "--health-timeout": _health("Timeout", read_duration),
    "--hostname": _body("Hostname"),
    "--ipc": _host("IpcMode"),
    "--isolation": _host("Isolation"),
    "--label": _take_label,
    "--log-driver": lambda creation, value: creation.host.setdefault("LogConfig", {}).update(Type=value),
    "--log-opt": lambda creation, value: (
        creation.host.setdefault("LogConfig", {"Type": ""}).setdefault("Config", {}).update([value.partition("=")[::2]])
    ),
    "--mac-address": _body("MacAddress"),
    "--memory": _host("Memory", _read_size),
    "--memory-reservation": _host("MemoryReservation", _read_size),
    "--memory-swap": _host("MemorySwap", _read_size),
    "--memory-swappiness": _host("MemorySwappiness", _read_number),
    "--mount": _take_mount,
    "--name": _take_name,
    "--network-alias": _append("aliases"),
    "--oom-score-adj": _host("OomScoreAdj", _read_number),
    "--pid": _host("PidMode"),
    "--pids-limit": _host("PidsLimit", _read_number),
    "--platform": _take_platform,
    "--publish": _append("ports"),
    "--pull": _ignore,
    "--restart": _take_restart,
    "--runtime": _host("Runtime"),
    "--security-opt": _add("SecurityOpt"),
    "--shm-size": _host("ShmSize", _read_size),
    "--stop-signal": _body("StopSignal"),
    "--stop-timeout": _body("StopTimeout", _read_number),
    "--storage-opt": _pair("StorageOpt"),
    "--sysctl": _pair("Sysctls"),
    "--tmpfs": _take_tmpfs,
    "--ulimit": _take_ulimit,
    "--user": _body("User"),
    "--userns": _host("UsernsMode"),
    "--uts": _host("UTSMode"),
    "--volume": _append("volumes"),
    "--volume-driver": _host("VolumeDriver"),
    "--volumes-from": _add("VolumesFrom"),
    "--workdir": _body("WorkingDir"),
}


def _read_decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(f"'{text}' in its options is not a number") from error
