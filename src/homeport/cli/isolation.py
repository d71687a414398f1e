"""Which jobs run behind a wall, and how thick it is: what `--executor`, `--runner LABEL=sandbox` and the sandbox's options say."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from homeport.cli.console import Console
from homeport.cli.errors import UsageError
from homeport.cli.options import Option, Options
from homeport.ports.executor import Executor, JobEnvironment
from homeport.ports.peer import JobOrder
from homeport.runner.manners.shims import Shims

SANDBOX_OPTIONS = (
    Option(
        name="--sandbox-network",
        value="on|off",
        help="whether sandboxed jobs reach the network, this machine's own ports too (default: on)",
        choices=("on", "off"),
    ),
    Option(
        name="--sandbox-show",
        value="PATH",
        help="let sandboxed jobs read this file or folder of the machine",
        repeat=True,
    ),
    Option(
        name="--limit",
        value="NAME=VALUE",
        help="what a sandboxed job may use: memory=4g processes=512 cpu=2 tmp=1g file=2g spare=1g (on the disk)",
        repeat=True,
    ),
)
_TRIAL_SECONDS = 20.0
REMEMBERED = ("--executor", *(option.name for option in SANDBOX_OPTIONS))


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """`default` is for jobs whose labels (and runner group) are in none of the others."""

    default: Literal["process", "sandbox"] = "process"
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    program: str = ""
    """bubblewrap; empty where no job is sandboxed"""
    network: bool = True
    shown: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    def is_sandboxed(self, order: JobOrder) -> bool:
        """Whether a job goes behind the wall: one label that says so is enough."""
        leg = order.leg
        is_named = any(label.lower() in self.labels for label in leg.runs_on)
        return is_named or (leg.runner_group or "").lower() in self.groups or self.default == "sandbox"


def read_isolation(options: Options, console: Console, targets: Mapping[str, str]) -> Isolation:
    """What the options say; `targets` are those of `--runner` by label. Raises `UsageError`, also where no sandbox can be had here."""
    sandboxed = [label.lower() for label, target in targets.items() if target == "sandbox"]
    if options.get("--executor", "process") != "sandbox" and not sandboxed:
        for option in SANDBOX_OPTIONS:
            if options.all(option.name):
                raise UsageError(
                    f"{option.name} is for sandboxed jobs, and none is", f"--executor sandbox {option.name} …"
                )
        return Isolation()
    if options.flag("--shell-on-failure"):
        raise UsageError(
            "--shell-on-failure opens a shell outside of the sandbox", "--pause-on-failure works with a sandbox"
        )
    _check_limits(options.all("--limit"))
    shown = tuple(os.path.abspath(os.path.join(console.folder, path)) for path in options.all("--sandbox-show"))
    for path in shown:
        if not os.path.exists(path):
            raise UsageError(f"--sandbox-show {path}: there is no such file or folder")
    return Isolation(
        default="sandbox" if options.get("--executor", "process") == "sandbox" else "process",
        labels=tuple(label for label in sandboxed if not label.startswith("group:")),
        groups=tuple(label.removeprefix("group:") for label in sandboxed if label.startswith("group:")),
        program=_get_bubblewrap(console),
        network=options.get("--sandbox-network", "on") == "on",
        shown=shown,
        limits=options.all("--limit"),
    )


def _check_limits(written: tuple[str, ...]) -> None:
    from homeport.runner.executors.sandbox.limits import LimitError, read_limits  # noqa: PLC0415 - sandboxes only

    try:
        read_limits(written)
    except LimitError as error:
        raise UsageError(str(error), "--limit memory=4g --limit processes=512") from error


def _get_bubblewrap(console: Console) -> str:
    found = find_bubblewrap(console.environment)
    if isinstance(found, NoSandbox):
        raise UsageError(f"--executor sandbox: {found.reason}", found.remedy)
    return found


class NoSandbox(msgspec.Struct, frozen=True):
    """Why this machine has no sandbox, and what brings it."""

    reason: str
    remedy: str


def find_bubblewrap(environment: Mapping[str, str]) -> str | NoSandbox:
    """The program, tried out."""
    from homeport.archive.compression import find_program  # noqa: PLC0415 - sandboxes only
    from homeport.runner.executors.sandbox.launch import find_refusal  # noqa: PLC0415 - sandboxes only

    program = find_program("bwrap", environment.get("PATH", os.defpath))
    refusal = find_refusal(program)
    return NoSandbox(*(refusal or ("", ""))) if refusal is not None or program is None else program


def try_sandbox(environment: Mapping[str, str]) -> str | NoSandbox:
    """The same, after building one: only that tells whether the kernel lets this user."""
    import subprocess  # noqa: PLC0415 - seldom needed

    from homeport.runner.executors.sandbox.launch import ALLOW  # noqa: PLC0415 - sandboxes only

    found = find_bubblewrap(environment)
    if isinstance(found, NoSandbox):
        return found
    words = [found, "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    try:
        tried = subprocess.run(words, capture_output=True, timeout=_TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return NoSandbox("building one takes too long", ALLOW)
    if tried.returncode:
        return NoSandbox(f"it cannot be built: {tried.stderr.decode('utf-8', 'replace').strip()}", ALLOW)
    return found


def add_sandbox(
    isolation: Isolation,
    outside: Executor,
    *,
    home: str,
    source: str,
    in_place: bool,
    environment: Mapping[str, str],
    pass_names: Sequence[str],
    shims: Shims,
    tell: Callable[[str], None],
) -> Executor:
    """The executor of a run: `outside` alone, or with a sandbox for those jobs that are to have one."""
    if not isolation.program:
        return outside
    from homeport.runner.executors.sandbox.executor import SandboxExecutor, SandboxSettings  # noqa: PLC0415 - sandboxes only
    from homeport.runner.executors.sandbox.limits import read_limits  # noqa: PLC0415 - sandboxes only

    inside = SandboxExecutor(
        SandboxSettings(
            program=isolation.program,
            work_folder=os.path.join(home, "work"),
            state_folder=os.path.join(home, "sandbox"),
            tool_cache=os.path.join(home, "tools"),
            source=source,
            limits=read_limits(isolation.limits),
            network=isolation.network,
            readable=isolation.shown,
            in_place=in_place,
        ),
        host_environment=environment,
        pass_names=pass_names,
        shims=shims,
        tell=tell,
    )
    return inside if isolation.default == "sandbox" else _Either(isolation, inside, outside)


class _Either:
    """Sandboxes some jobs."""

    name = "process"

    def __init__(self, isolation: Isolation, inside: Executor, outside: Executor) -> None:
        self._isolation = isolation
        self._inside = inside
        self._outside = outside

    def open(self, order: JobOrder, root: str = "") -> JobEnvironment:
        """As the job's labels say."""
        return (self._inside if self._isolation.is_sandboxed(order) else self._outside).open(order, root)
