"""`homeport doctor`: what a machine can run, and what the jobs of a repository lack on it."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from homeport.cli.machine.machine import Machine
from homeport.cli.machine.remedies import Installation, Remedy, find_installation, render_command, render_remedy
from tests.support.console import Captured, call
from tests.support.parts import require_module, require_program, require_working
from tests.support.projects import make_repository


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has git, and no engine, no Node.js and nothing else that workflows want."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "bash", "sh", "apt-get"):
        (programs / name).symlink_to(shutil.which(name) or "/bin/true")
    return {"PATH": str(programs), "HOMEPORT_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}


def diagnose(folder: Path, environment: dict[str, str] | None = None) -> tuple[Captured, dict[str, Any]]:
    captured = call("doctor", "--format", "json", folder=folder, environment=environment)
    return captured, captured.json


def jobs_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {job["id"]: job for workflow in answer["workflows"] for job in workflow["jobs"]}


def part(answer: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in answer["parts"] if one["name"] == name)
    return dict(found)


def one_job(tmp_path: Path, job: str) -> Path:
    lines = "\n".join(f"        {line}" for line in job.strip("\n").splitlines())
    return make_repository(
        tmp_path / "repository", f"\non: push\njobs:\n  a:\n{lines}\n".replace("\n        ", "\n    ")
    )


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_without_workflows_only_the_machine_is_shown(tmp_path: Path, bare: dict[str, str]) -> None:
    captured, answer = diagnose(tmp_path, bare)
    assert captured.code == 0
    assert answer["workflows"] == []
    assert {one["area"] for one in answer["parts"]} >= {
        "Machine",
        "Python",
        "Node.js",
        "Programs",
        "Containers",
        "Disk",
    }


def test_a_label_that_nothing_answers_to_is_a_lack_with_its_place(tmp_path: Path, bare: dict[str, str]) -> None:
    workflow = """
        on: push
        jobs:
          a:
            runs-on: ${{ matrix.os }}
            strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}
            steps: [{run: echo}]
    """
    captured, answer = diagnose(make_repository(tmp_path / "r", workflow), bare)
    assert captured.code == 1
    job = jobs_of(answer)["a"]
    assert (job["legs"], job["runs_here"]) == (2, False)
    (lack,) = job["lacks"]
    assert lack["message"].startswith("no runner here answers to the label 'windows-latest'")
    assert (lack["file"], lack["line"]) == (".github/workflows/ci.yml", 5)
    assert lack["remedy"] == "homeport run --runner windows-latest=process (or --missing-runner skip)"


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("runs-on: ubuntu-latest\ncontainer: debian:12\nsteps: [{run: echo}]", "the job runs in a container"),
        ("runs-on: ubuntu-latest\nsteps: [{uses: 'docker://debian:12'}]", "a step runs in a container"),
        ("runs-on: ubuntu-latest\nsteps: [{uses: ./docked}]", "./docked runs in a container"),
        ("runs-on: ubuntu-latest\nsteps: [{uses: ./nested}]", "./docked runs in a container"),
    ],
)
def test_what_needs_an_engine_lacks_it(tmp_path: Path, bare: dict[str, str], job: str, message: str) -> None:
    folder = one_job(tmp_path, job)
    for name, runs in (
        ("docked", "{using: docker, image: Dockerfile}"),
        ("nested", "{using: composite, steps: [{uses: ./docked}]}"),
    ):
        (folder / name).mkdir()
        (folder / name / "action.yml").write_text(f"name: {name}\ndescription: x\nruns: {runs}\n")
    captured, answer = diagnose(folder, bare)
    assert captured.code == 1
    (lack,) = jobs_of(answer)["a"]["lacks"]
    assert lack["message"] == f"{message}: there is no container engine here"
    assert "podman" in answer["command"]


def test_a_service_without_engine_and_provider_lacks_one(tmp_path: Path, bare: dict[str, str]) -> None:
    job = "runs-on: ubuntu-latest\nservices: {search: {image: 'elasticsearch:8'}}\nsteps: [{run: echo}]"
    captured, answer = diagnose(one_job(tmp_path, job), bare)
    assert captured.code == 1
    (lack,) = jobs_of(answer)["a"]["lacks"]
    assert lack["message"].startswith("service 'search': there is no provider for the image 'elasticsearch:8'")


def test_a_service_whose_password_is_a_secret_is_judged_by_its_image(tmp_path: Path) -> None:
    require_working(["podman", "info"], "apt-get install podman runc")
    job = """runs-on: ubuntu-latest
services: {db: {image: 'postgres:${{ matrix.v }}', env: {POSTGRES_PASSWORD: '${{ secrets.P }}'}, ports: ['5432:5432']}}
strategy: {matrix: {v: [15, 16]}}
steps: [{run: echo}]"""
    captured, answer = diagnose(one_job(tmp_path, job))
    assert (captured.code, jobs_of(answer)["a"]["lacks"]) == (0, [])


MANY_PYTHONS = """runs-on: ubuntu-latest
strategy: {matrix: {python: ['3.98', '3.99'], n: [1, 2]}}
steps: [{uses: actions/setup-python@v5, with: {python-version: '${{ matrix.python }}'}}]"""


def test_pythons_that_are_not_here_are_named_once_with_what_brings_them(
    tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "uv", None)
    captured, answer = diagnose(one_job(tmp_path, MANY_PYTHONS), bare)
    assert captured.code == 1
    lacks = jobs_of(answer)["a"]["lacks"]
    assert [lack["message"] for lack in lacks] == ["Python 3.98 is not here", "Python 3.99 is not here"]
    assert answer["command"] == "uv python install 3.98 3.99"


def test_a_uv_that_is_here_brings_them(tmp_path: Path, bare: dict[str, str]) -> None:
    (Path(bare["PATH"]) / "uv").symlink_to("/bin/true")
    captured, answer = diagnose(one_job(tmp_path, MANY_PYTHONS), bare)
    job = jobs_of(answer)["a"]
    assert (captured.code, job["lacks"]) == (0, [])
    assert job["notes"][0]["message"] == "Python 3.98 is not here: uv is asked for it when the job runs"


def test_the_python_that_runs_homeport_is_no_lack(tmp_path: Path) -> None:
    import sys  # noqa: PLC0415 - its version only

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    job = f"runs-on: ubuntu-latest\nsteps: [{{uses: actions/setup-python@v5, with: {{python-version: '{version}'}}}}]"
    captured, answer = diagnose(one_job(tmp_path, job))
    assert (captured.code, jobs_of(answer)["a"]["lacks"]) == (0, [])


def test_a_local_action_in_javascript_needs_node(
    tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = one_job(tmp_path, "runs-on: ubuntu-latest\nsteps: [{uses: ./js}]")
    (folder / "js").mkdir()
    (folder / "js" / "action.yml").write_text("name: j\ndescription: x\nruns: {using: node20, main: m.js}\n")
    monkeypatch.setattr("sys.path", [])
    _, answer = diagnose(folder, bare)
    (lack,) = jobs_of(answer)["a"]["lacks"]
    assert lack["message"] == "./js needs Node.js (node20), which is not here"
    assert "homeport[node]" in lack["remedy"]
    assert part(answer, "node20")["status"] == "missing"


def test_programs_that_scripts_seem_to_call_are_notes(tmp_path: Path, bare: dict[str, str]) -> None:
    job = """runs-on: ubuntu-latest
steps: [{run: jq . x}, {run: echo jq}, {shell: python, run: jq}, {uses: some/action@v1}, {run: echo, shell: fish}]"""
    captured, answer = diagnose(one_job(tmp_path, job), bare)
    found = jobs_of(answer)["a"]
    assert [note["message"] for note in found["notes"]] == [
        "a script seems to call jq, which is not here",
        "some/action@v1 is fetched when it is first used",
    ]
    assert [lack["message"] for lack in found["lacks"]] == ["a step's shell is fish, which is not here"]
    assert answer["command"].endswith("apt-get install -y fish jq")
    assert captured.code == 1


@pytest.mark.parametrize("uses", ["actions/checkout@v4", "some/action@v1"])
def test_a_machine_without_git_says_what_needs_it(tmp_path: Path, bare: dict[str, str], uses: str) -> None:
    folder = one_job(tmp_path, f"runs-on: ubuntu-latest\nsteps: [{{uses: {uses}}}]")
    (Path(bare["PATH"]) / "git").unlink()
    captured, answer = diagnose(folder, bare)
    assert captured.code == 1
    assert [lack["message"] for lack in jobs_of(answer)["a"]["lacks"]] == [f"{uses} needs git, which is not here"]
    assert part(answer, "git")["status"] == "missing"


def test_the_jobs_of_called_workflows_are_judged_where_they_are_called(tmp_path: Path, bare: dict[str, str]) -> None:
    caller = "on: {release: {types: [published]}}\njobs:\n  outer: {uses: ./.github/workflows/inner.yml}\n"
    inner = "on: workflow_call\njobs:\n  a: {runs-on: macos-latest, steps: [{run: echo}]}\n"
    folder = make_repository(tmp_path / "r", caller)
    (folder / ".github/workflows/inner.yml").write_text(inner)
    captured, answer = diagnose(folder, bare)
    assert [workflow["file"] for workflow in answer["workflows"]] == [".github/workflows/ci.yml"]
    assert jobs_of(answer)["outer/a"]["runs_here"] is False
    assert captured.code == 1


def test_a_workflow_that_github_refuses_is_not_here_either(tmp_path: Path, bare: dict[str, str]) -> None:
    captured, answer = diagnose(make_repository(tmp_path / "r", "on: push\njobs: {a: {steps: []}}\n"), bare)
    assert captured.code == 1
    assert answer["workflows"][0]["refused"] == "GitHub would refuse it: see `homeport check`"


def test_named_workflows_alone_are_judged(tmp_path: Path, bare: dict[str, str]) -> None:
    folder = make_repository(tmp_path / "r", "on: push\njobs: {a: {runs-on: windows-latest, steps: [{run: echo}]}}\n")
    (folder / ".github/workflows/good.yml").write_text(
        "on: push\njobs: {b: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n"
    )
    assert call("doctor", "good.yml", folder=folder, environment=bare).code == 0
    assert call("doctor", "ci.yml", folder=folder, environment=bare).code == 1
    assert call("doctor", "none.yml", folder=folder, environment=bare).code == 2


# --- the machine -----------------------------------------------------------------------------------------------------


def test_the_bare_machine_says_what_it_has_not(tmp_path: Path, bare: dict[str, str]) -> None:
    _, answer = diagnose(tmp_path, bare)
    assert part(answer, "git")["status"] == "ready"
    assert part(answer, "bubblewrap")["remedy"].endswith("apt-get install -y bubblewrap")
    assert part(answer, "engine")["status"] == "missing"
    assert part(answer, "jq")["status"] == "missing"
    assert part(answer, "pipx")["status"] == "ready"


def test_a_sandbox_that_works_is_ready_and_leaves_nothing(tmp_path: Path) -> None:
    require_working(["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"], "apt-get install bubblewrap")
    _, answer = diagnose(tmp_path)
    assert part(answer, "bubblewrap")["status"] == "ready"
    assert part(answer, "limits")["status"] in {"ready", "limited"}
    left = [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if f"homeport-doctor-{os.getpid()}" in folder]
    assert left == []


def test_a_bubblewrap_that_fails_says_how(tmp_path: Path, bare: dict[str, str]) -> None:
    program = Path(bare["PATH"]) / "bwrap"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\necho no user namespaces >&2\nexit 1\n'
    )
    program.chmod(0o755)
    _, answer = diagnose(tmp_path, bare)
    found = part(answer, "bubblewrap")
    assert found["status"] == "limited"
    assert found["detail"].endswith("it cannot build a sandbox here: no user namespaces")
    assert found["remedy"].startswith("sysctl -w ")


def test_an_engine_that_does_not_answer_says_why(tmp_path: Path, bare: dict[str, str]) -> None:
    require_module("docker")
    (Path(bare["PATH"]) / "docker").symlink_to("/bin/true")
    _, answer = diagnose(tmp_path, {**bare, "DOCKER_HOST": "tcp://127.0.0.1:1"})
    found = part(answer, "engine")
    assert found["status"] == "limited"
    assert "tcp://127.0.0.1:1" in found["detail"]


def test_podman_is_asked_who_it_is_and_ended_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_module("docker")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    require_working(["podman", "info"], "apt-get install podman runc")
    _, answer = diagnose(tmp_path)
    found = part(answer, "engine")
    assert found["status"] == "ready"
    assert re.match(r"(podman|Docker) \d+\.", found["detail"])
    assert list(tmp_path.glob("homeport-*")) == []


def test_the_text_is_aligned_and_coloured_on_terminals_only(tmp_path: Path, bare: dict[str, str]) -> None:
    folder = make_repository(tmp_path / "r", "on: push\njobs: {a: {runs-on: windows-latest, steps: [{run: echo}]}}\n")
    plain = call("doctor", folder=folder, environment=bare)
    assert plain.code == 1
    assert "\x1b[" not in plain.text
    assert "  ✗ a\n      · no runner here answers to the label 'windows-latest'" in plain.text
    assert "Not everything that these workflows need is here." in plain.text
    rows = [line for line in plain.text.splitlines() if line.startswith(("  ✓ git ", "  ✗ jq "))]
    assert len({len(row) - len(row[4:].partition(" ")[2].lstrip()) for row in rows}) == 1
    captured = Captured(folder, bare)
    captured.console.is_terminal = True
    from homeport.cli import main as edge  # noqa: PLC0415 - one test's

    edge.main(["doctor"], captured.console)
    assert "\x1b[31m✗\x1b[0m a" in captured.text
    captured = Captured(folder, {**bare, "NO_COLOR": "1"})
    captured.console.is_terminal = True
    edge.main(["doctor"], captured.console)
    assert "\x1b[" not in captured.text


def test_the_programs_that_are_here_are_named_with_their_version(tmp_path: Path) -> None:
    require_program("git")
    _, answer = diagnose(tmp_path)
    assert part(answer, "git")["detail"].startswith("2.")


# --- what brings it --------------------------------------------------------------------------------------------------

SYSTEM, EXTRA, PYTHON = Remedy("system", "redis-server"), Remedy("extra", "node"), Remedy("python", "3.13")


@pytest.mark.parametrize(
    ("installation", "expected"),
    [
        (Installation("apt-get", True, "/v/bin/python"), "apt-get install -y redis-server"),
        (Installation("apt-get", False, "/v/bin/python"), "sudo apt-get install -y redis-server"),
        (Installation("dnf", True, "/v/bin/python"), "dnf install -y redis"),
        (Installation("brew", False, "/v/bin/python"), "brew install redis"),
        (Installation("", True, "/v/bin/python"), "install redis-server with the system's packages"),
    ],
)
def test_a_package_is_named_as_the_machines_manager_names_it(installation: Installation, expected: str) -> None:
    assert render_remedy(SYSTEM, installation) == expected


def test_all_that_is_missing_is_one_command() -> None:
    installation = Installation("apt-get", True, "/v/bin/python")
    remedies = [
        EXTRA,
        SYSTEM,
        PYTHON,
        Remedy("words", "read on"),
        Remedy("system", "jq"),
        SYSTEM,
        Remedy("extra", "containers"),
    ]
    assert render_command(remedies, installation) == (
        "apt-get install -y jq redis-server && /v/bin/python -m pip install 'homeport[containers,node]' "
        "&& uv python install 3.13"
    )
    assert render_command([], installation) == ""


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("/h/.local/share/uv/tools/homeport/bin/python", "uv tool install 'homeport[node]'"),
        ("/h/.local/share/pipx/venvs/homeport/bin/python", "pipx install --force 'homeport[node]'"),
    ],
)
def test_an_extra_is_installed_as_homeport_was(python: str, expected: str) -> None:
    assert render_remedy(EXTRA, Installation("apt-get", True, python)) == expected


def test_the_machines_manager_is_the_one_it_has() -> None:
    assert find_installation(["dnf"], is_root=True).manager == "dnf"
    assert find_installation([], is_root=True).manager == ""
