"""How runs are to be carried out, as the command line says: runners, secrets, workspace, what happens at a failure, who looks on."""

import os
from collections.abc import Mapping
from typing import Literal

import msgspec

from homeport.cli.action_sources import ACTION_SOURCE, check_sources
from homeport.cli.console import Console
from homeport.cli.errors import UsageError
from homeport.cli.isolation import REMEMBERED as REMEMBERED_ISOLATION
from homeport.cli.isolation import SANDBOX_OPTIONS, Isolation, read_isolation
from homeport.cli.options import FORMAT, Option, Options
from homeport.coordinator.dispatch import Labels, machine_labels

REMEMBERED = (
    "--runner",
    "--missing-runner",
    "--workspace",
    "--pass-env",
    "--actions",
    "--action-source",
    "--services",
    "--strict-services",
    *REMEMBERED_ISOLATION,
)
"""Options that a re-run of the same run takes over."""

EXECUTION_OPTIONS = (
    Option(
        name="--secret",
        value="K[=V]",
        help="a secret; K alone takes it from the environment (K=V shows in the list of processes)",
        repeat=True,
    ),
    Option(name="--secret-file", value="FILE", help="secrets, one K=V a line", repeat=True),
    Option(name="--parallel", value="N", help="jobs at a time (default: the cores, at least 2)", whole_number=True),
    Option(
        name="--executor",
        value="NAME",
        help="how commands run: process, sandbox (behind a wall, on Linux), or container (then every job needs an image)",
        choices=("process", "sandbox", "container"),
    ),
    Option(
        name="--runner",
        value="LABEL=TARGET",
        help="answer to one more runs-on label (group:NAME for a runner group); TARGET: process, sandbox, container:IMAGE",
        repeat=True,
    ),
    Option(
        name="--missing-runner",
        value="fail|skip",
        help="what becomes of a job whose runs-on nothing here answers to (default: fail)",
        choices=("fail", "skip"),
    ),
    Option(
        name="--workspace",
        value="copy|in-place",
        help="jobs work in a copy of the working tree (default), or in the tree itself",
        choices=("copy", "in-place"),
    ),
    Option(
        name="--actions",
        value="native|upstream",
        help="whose code well-known actions run: Homeport's own where there is one (default), or the published one",
        choices=("native", "upstream"),
    ),
    ACTION_SOURCE,
    Option(
        name="--services",
        value="auto|engine|native",
        help="who starts services: a container engine if one answers (auto), only that, or programs of this machine",
        choices=("auto", "engine", "native"),
    ),
    Option(name="--strict-services", help="a service that differs from its image (another version, …) fails the job"),
    Option(name="--pass-env", value="NAME", help="give steps this variable of the environment too", repeat=True),
    *SANDBOX_OPTIONS,
    Option(name="--shell-on-failure", help="open a shell where a step failed"),
    Option(name="--pause-on-failure", help="a job whose step failed waits for `homeport retry`"),
    Option(name="--no-live", help="plain lines, also on a terminal"),
    FORMAT,
)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """How to carry out runs."""

    labels: Labels
    missing_runner: Literal["fail", "skip"]
    secrets: Mapping[str, str]
    parallel: int
    in_place: bool
    preference: Literal["native", "upstream"] = "native"
    """`--actions`"""
    images: Mapping[str, str] = {}
    """the container that a label stands for"""
    requires_container: bool = False
    action_sources: tuple[str, ...] = ()
    pass_env: tuple[str, ...]
    pause_on_failure: bool
    shell_on_failure: bool
    isolation: Isolation
    services: Literal["auto", "engine", "native"] = "auto"
    strict_services: bool = False
    output: Literal["json", "plain", "live"]
    recipe: Mapping[str, str]
    """what is remembered with a run, so that it can be carried out again; never the value of a secret"""


def read_execution(options: Options, console: Console, remembered: Mapping[str, str] | None = None) -> Execution:
    """What the options say. `remembered` is the recipe of an earlier run: it fills in what is not said now, and its secrets are looked
    up again where they came from.

    Raises `UsageError` for what cannot be had, before anything begins.
    """
    if remembered is not None:
        options = options.fill({name: _lines(remembered.get(name, "")) for name in REMEMBERED})
    secret_names, secret_files = _secret_sources(options, remembered or {})
    labels, groups, images = _read_runners(options)
    system = os.uname()
    shell = options.flag("--shell-on-failure")
    if shell and not (console.is_terminal and options.get("--format", "text") == "text"):
        raise UsageError("--shell-on-failure needs a terminal", "--pause-on-failure works without one")
    return Execution(
        labels=Labels((*labels, *machine_labels(system.sysname, system.machine)), groups),
        missing_runner="skip" if options.get("--missing-runner", "fail") == "skip" else "fail",
        secrets=_read_secrets(secret_names, secret_files, console),
        parallel=options.number("--parallel", max(2, count_cores())),
        in_place=options.get("--workspace", "copy") == "in-place",
        preference="upstream" if options.get("--actions", "native") == "upstream" else "native",
        images=images,
        requires_container=options.get("--executor", "process") == "container",
        action_sources=check_sources(options.all("--action-source"), console),
        pass_env=options.all("--pass-env"),
        pause_on_failure=options.flag("--pause-on-failure"),
        shell_on_failure=shell,
        isolation=read_isolation(options, console, _read_targets(options)),
        services=_read_services(options),
        strict_services=options.flag("--strict-services"),
        output=_choose_output(options, console),
        recipe={
            **{name: "\n".join(options.all(name)) for name in REMEMBERED if options.all(name)},
            "secrets": "\n".join(text.partition("=")[0] for text in secret_names),
            "secret_files": "\n".join(_absolute(file, console) for file in secret_files),
        },
    )


def _read_services(options: Options) -> Literal["auto", "engine", "native"]:
    match options.get("--services", "auto"):
        case "engine":
            return "engine"
        case "native":
            return "native"
        case _:
            return "auto"


def _read_runners(options: Options) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """Labels, groups, and the images that some of either stand for."""
    labels: list[str] = []
    groups: list[str] = []
    images: dict[str, str] = {}
    for text in options.all("--runner"):
        label, equals, target = text.partition("=")
        if not equals or not label:
            raise UsageError(f"--runner is {text!r}, expected LABEL=TARGET", "--runner windows-latest=process")
        if target.startswith("container:") and target != "container:":
            images[label.lower()] = target.removeprefix("container:")
        elif target not in {"process", "sandbox"}:
            targets = "process, sandbox, container:IMAGE"
            raise UsageError(f"--runner {text}: there is no target {target!r}", f"there are: {targets}")
        if label.startswith("group:"):
            groups.append(label.removeprefix("group:").lower())
        else:
            labels.append(label.lower())
    return tuple(labels), tuple(groups), images


def _read_targets(options: Options) -> dict[str, str]:
    """The targets of `--runner` by label; of a label that is named twice the sandbox."""
    named = sorted((text.partition("=") for text in options.all("--runner")), key=lambda parts: parts[2] == "sandbox")
    return {label: target for label, _, target in named}


def _secret_sources(options: Options, remembered: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`--secret` and `--secret-file`, after those that are remembered. A remembered name that was given as K=V has to be given again
    unless the environment has it.
    """
    names, files = _lines(remembered.get("secrets", "")), _lines(remembered.get("secret_files", ""))
    given = options.all("--secret")
    again = {text.partition("=")[0] for text in given}
    return (*(name for name in names if name not in again), *given), (*files, *options.all("--secret-file"))


def _read_secrets(sources: tuple[str, ...], files: tuple[str, ...], console: Console) -> dict[str, str]:
    secrets: dict[str, str] = {}
    for file in files:
        from homeport.cli.dotenv import read_pairs  # noqa: PLC0415 - rarely needed

        secrets.update(read_pairs(_absolute(file, console)))
    for text in sources:
        name, equals, value = text.partition("=")
        if not equals and name not in console.environment:
            raise UsageError(f"--secret {name}: the environment has no variable {name}", f"{name}=… homeport run …")
        if equals:
            console.say(
                f"homeport: warning: --secret {name}=… shows in the list of processes; "
                f"`--secret {name}` takes it from the environment"
            )
        secrets[name] = value if equals else console.environment[name]
    return secrets


def _choose_output(options: Options, console: Console) -> Literal["json", "plain", "live"]:
    if options.get("--format", "text") == "json":
        return "json"
    is_dumb = console.environment.get("TERM", "dumb") == "dumb"
    return "live" if console.is_terminal and not is_dumb and not options.flag("--no-live") else "plain"


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.split("\n") if line)


def _absolute(file: str, console: Console) -> str:
    return os.path.join(console.folder, file)


def count_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
