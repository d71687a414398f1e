"""Looks at one area of the machine after the other, and says what is there."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from homeport.cli.machine.asking import ask_version, run_quietly
from homeport.cli.machine.machine import Machine
from homeport.cli.machine.model import Part
from homeport.cli.machine.remedies import Remedy
from homeport.runner.executors.sandbox.cgroups import open_group
from homeport.runner.executors.sandbox.launch import ALLOW, find_refusal
from homeport.runner.executors.sandbox.limits import Limits
from homeport.runner.services.programs import EXTRA_HINT

_GIB = 1 << 30
_LITTLE_SPACE = 2 * _GIB


def examine(machine: Machine) -> Iterator[Part]:
    """Everything, in the order in which it is shown. Takes about a second; writes nothing that stays."""
    yield _look_at_system()
    yield from look_at_pythons(machine)
    yield from look_at_nodes(machine)
    yield from look_at_programs(machine)
    yield from look_at_isolation(machine)
    yield look_at_engine(machine)
    yield from look_at_services(machine)
    yield from look_at_disk(machine)


def _look_at_system() -> Part:
    names = platform.freedesktop_os_release() if os.path.exists("/etc/os-release") else {}
    name = names.get("PRETTY_NAME") or f"{platform.system()} {platform.release()}"
    user = "root" if os.geteuid() == 0 else "an ordinary user"
    return Part(
        area="Machine", name=name, status="ready", detail=f"{platform.machine()}, {os.cpu_count()} cores, {user}"
    )


def look_at_pythons(machine: Machine) -> Iterator[Part]:
    """Each version once: the one that `setup-python` would take."""
    seen: set[str] = set()
    for interpreter in sorted(machine.interpreters, key=lambda each: (bool(each.pypy), each.version.order)):
        if interpreter.label not in seen:
            seen.add(interpreter.label)
            detail = f"{interpreter.prefix} ({interpreter.source})"
            yield Part(area="Python", name=interpreter.label, status="ready", detail=detail)
    detail = "would bring the Pythons that a job asks for and that are not here"
    yield _tell_program(machine, "Python", "uv", machine.uv, detail, Remedy("words", "pip install uv"))


def look_at_nodes(machine: Machine) -> Iterator[Part]:
    """What runs JavaScript actions of either kind."""
    for using in ("node20", "node24"):
        node = machine.node(using)
        wanted = int(using.removeprefix("node"))
        if node is None or node.major < wanted:
            found = "" if node is None else f"only {node.version} ({node.path})"
            detail = found or "JavaScript actions cannot run"
            yield Part(area="Node.js", name=using, status="missing", detail=detail, remedy=Remedy("extra", "node"))
        else:
            yield Part(area="Node.js", name=using, status="ready", detail=f"{node.version} ({node.path})")


_PROGRAMS = (
    ("git", "git", "checkout, and much else"),
    ("git-lfs", "git-lfs", "checkout with `lfs: true`"),
    ("jq", "jq", "scripts call it"),
    ("gh", "gh", "scripts call it"),
    ("curl", "curl", "scripts call it"),
)


def look_at_programs(machine: Machine) -> Iterator[Part]:
    """What steps call."""
    for name, package, purpose in _PROGRAMS:
        yield _tell_program(machine, "Programs", name, machine.find(name), purpose, Remedy("system", package))
    sudo = machine.find("sudo")
    if sudo is None and not machine.is_root:
        detail = "steps that call it fail with the reason"
        yield Part(area="Programs", name="sudo", status="missing", detail=detail, remedy=Remedy("system", "sudo"))
    else:
        detail = sudo or "Homeport's stand-in, since jobs run as root"
        yield Part(area="Programs", name="sudo", status="ready", detail=detail)
    pipx = machine.find("pipx")
    detail = (
        "Homeport's stand-in, which fetches it for a job that calls it" if pipx is None else _describe(machine, pipx)
    )
    yield Part(area="Programs", name="pipx", status="ready", detail=detail)


def _tell_program(machine: Machine, area: str, name: str, path: str | None, purpose: str, remedy: Remedy) -> Part:
    if path is None:
        return Part(area=area, name=name, status="missing", detail=purpose, remedy=remedy)
    return Part(area=area, name=name, status="ready", detail=_describe(machine, path))


def _describe(machine: Machine, path: str) -> str:
    return f"{ask_version(path, machine.host)} ({path})".lstrip()


# --- isolation and containers ----------------------------------------------------------------------------------------


def look_at_isolation(machine: Machine) -> Iterator[Part]:
    """What `--executor sandbox` needs."""
    if machine.is_macos:
        yield Part(area="Isolation", name="sandbox", status="missing", detail="Linux only: use a container")
        return
    bubblewrap = machine.find("bwrap")
    if bubblewrap is None:
        detail = "`--executor sandbox` cannot be used"
        yield Part(
            area="Isolation", name="bubblewrap", status="missing", detail=detail, remedy=Remedy("system", "bubblewrap")
        )
        return
    message, command = find_refusal(bubblewrap) or _try_sandbox(bubblewrap, machine)
    if not message:
        yield Part(area="Isolation", name="bubblewrap", status="ready", detail=_describe(machine, bubblewrap))
        yield _look_at_limits()
        return
    detail = f"{_describe(machine, bubblewrap)}: {message}"
    yield Part(area="Isolation", name="bubblewrap", status="limited", detail=detail, remedy=Remedy("words", command))


def _try_sandbox(bubblewrap: str, machine: Machine) -> tuple[str, str]:
    """What only a trial tells: why none can be built and the command that may change it; empty where one can."""
    trial = [bubblewrap, "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    code, text = run_quietly(trial, machine.host)
    words = text.splitlines()[-1] if text else f"it ends with {code}"
    return ("", "") if code == 0 else (f"it cannot build a sandbox here: {words}", ALLOW)


def _look_at_limits() -> Part:
    """Makes a control group for a moment, with a limit of each kind."""
    wanted = {"memory", "pids", "cpu"}
    group = open_group(f"homeport-doctor-{os.getpid()}", Limits(memory=_GIB, processes=100, cpu=1, tmp=0))
    found = set(group.controllers)
    group.close()
    if found == wanted:
        return Part(area="Isolation", name="limits", status="ready", detail="of memory, processes and CPU")
    names = ", ".join(sorted(found)) or "none"
    detail = f"control groups can be made here for: {names}; others need root, or a systemd session that delegates them"
    return Part(area="Isolation", name="limits", status="limited", detail=detail)


def look_at_engine(machine: Machine) -> Part:
    """What container jobs, container actions and the images of services need."""
    engine = machine.engine
    if engine.needs_package:
        remedy = Remedy("extra", "containers")
        return Part(area="Containers", name="engine", status="limited", detail=engine.why, remedy=remedy)
    if engine.why:
        detail = f"{engine.why}: jobs in containers, container actions and services without a provider cannot run"
        if machine.find("podman") is not None or machine.find("docker") is not None:
            return Part(area="Containers", name="engine", status="limited", detail=detail)
        return Part(
            area="Containers", name="engine", status="missing", detail=detail, remedy=Remedy("system", "podman")
        )
    details = [
        engine.name,
        engine.address or "started when it is needed",
        *(["rootless"] if engine.is_rootless else []),
    ]
    return Part(area="Containers", name="engine", status="ready", detail=", ".join(details))


_IMAGES = (
    ("postgres", "postgresql"),
    ("redis", "redis-server"),
    ("valkey/valkey", "redis-server"),
    ("localstack/localstack", ""),
    ("minio/minio", ""),
)


def look_at_services(machine: Machine) -> Iterator[Part]:
    """Which images have a program of this machine that stands in for them where no engine is."""
    for image, package in _IMAGES:
        why = machine.refuse_image(image)
        if why is None:
            yield Part(
                area="Services without an engine", name=image, status="ready", detail=_tell_server(machine, image)
            )
        else:
            remedy = Remedy("system", package) if package else Remedy("extra", "services")
            detail = why.replace(f" ({EXTRA_HINT})", "")
            yield Part(area="Services without an engine", name=image, status="missing", detail=detail, remedy=remedy)


def _tell_server(machine: Machine, image: str) -> str:
    if image == "postgres":
        servers = machine.search.list_postgres()
        return ", ".join(f"{ask_version(f'{folder}/postgres', machine.host)} ({folder})" for folder in servers)
    if image == "localstack/localstack":
        return f"moto {_version('moto')}"
    names = {"redis": ("redis-server",), "valkey/valkey": ("valkey-server", "redis-server")}.get(
        image, ("minio", "rclone")
    )
    for name in names:
        path = next(machine.search.list_machine(name), None) or machine.search.find_wheel_script(name)
        if path is not None:
            return f"{name} {ask_version(path, machine.host)} ({path})"
    return "of homeport[services]"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def look_at_disk(machine: Machine) -> Iterator[Part]:
    """The room that runs, caches and workspaces have."""
    folder = machine.home
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    detail = f"{free / _GIB:.1f} GiB free"
    is_writable = os.access(folder, os.W_OK)
    if not is_writable:
        detail += ", but it cannot be written to"
    enough = is_writable and free >= _LITTLE_SPACE
    yield Part(area="Disk", name=machine.home, status="ready" if enough else "limited", detail=detail)
