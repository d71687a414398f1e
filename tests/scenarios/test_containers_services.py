"""Services on a container engine, over the whole path: `homeport run` with podman."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.run.facts import AnnotationRaised
from homeport.runner.containers.host import ContainerHost
from tests.support.conformance import ROOT
from tests.support.homeport import run_homeport
from tests.support.images import (
    NOTHING,
    Podman,
    make_localstack_image,
    make_postgres_image,
    make_redis_image,
    open_podman,
)
from tests.support.jobs import Bench, Report, stop_at_line
from tests.support.live import LiveRun
from tests.support.parts import require_program
from tests.support.projects import make_repository
from tests.support.services import await_true

pytestmark = pytest.mark.xdist_group("podman")


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    yield from open_podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def host(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    host = ContainerHost(str(tmp_path_factory.mktemp("home")), {**os.environ, **podman.variables})
    yield host
    host.close()


@pytest.fixture
def bench(podman: Podman, host: ContainerHost, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.containers = bench.service_host = host
    podman.busybox()
    yield bench
    assert {**podman.list_left(), "keepers": []} == NOTHING


def run(bench: Bench, services: str, steps: str = "- run: echo unreachable", **order: object) -> Report:
    below = dedent(services).strip().replace("\n", "\n      ")
    steps = dedent(steps).strip().replace("\n", "\n      ")
    head = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    services:\n"
    return bench.run(f"{head}      {below}\n    steps:\n      {steps}\n", **order)  # type: ignore[arg-type]


def errors(report: Report) -> list[tuple[str, int | None]]:
    return [(fact.message, fact.line) for fact in report.of(AnnotationRaised) if fact.severity == "error"]


def test_the_services_of_a_job_run_on_podman_as_they_do_without_any_engine(podman: Podman, tmp_path: Path) -> None:
    for program in ("psql", "jq", "curl", "redis-cli"):
        require_program(program)
    make_postgres_image(podman, "docker.io/library/postgres:15")
    make_redis_image(podman, "docker.io/library/redis:7")
    make_localstack_image(podman, "docker.io/localstack/localstack:latest")
    repository = make_repository(tmp_path, (ROOT / "tests" / "cases" / "runner" / "services.yml").read_text())
    answer = run_homeport(["run", "--services", "engine"], cwd=repository, env=podman.variables)
    assert answer.exit_code == 0, answer.describe()
    assert answer.job("together")["outputs"] == {"names": "postgres:5432 redis:6379 localstack:4566"}
    stopped = "\n".join(answer.lines("together", "__stop_containers"))
    assert "database system is ready to accept connections" in stopped
    assert podman.list_left() == NOTHING


def test_options_command_environment_and_ports_reach_the_container(bench: Bench) -> None:
    report = run(
        bench,
        """
        web:
          image: localhost/busybox:1
          env: {WORD: of env}
          ports: [80, '8099:81']
          volumes: ['/srv']
          options: >-
            --entrypoint sh --hostname named -e WORD=of-options -e OTHER=kept --add-host db:10.1.2.3
            --health-cmd "test -f /srv/ready" --health-interval 1s
          command: -c "echo $(hostname) $WORD $OTHER > /srv/index.html; grep db /etc/hosts; touch /srv/ready; exec httpd -f -p 80 -h /srv"
        """,
        """
        - id: ask
          run: |
            curl -s "localhost:${{ job.services.web.ports['80'] }}"
            echo "${{ job.services.web.ports['81'] }} ${{ job.services.web.network == job.container.network }}"
        """,
    )
    assert report.output("ask") == ["named of env kept", "8099 true"], report.lines()
    assert "10.1.2.3\tdb" in "\n".join(report.lines("__stop_containers"))


def test_a_service_that_never_gets_healthy_fails_the_job_with_its_log(bench: Bench) -> None:
    report = run(
        bench,
        """
        sick:
          image: localhost/busybox:1
          options: --entrypoint sh --health-cmd "exit 1" --health-interval 100ms --health-retries 2
          command: -c "echo I am sick; sleep 1000"
        """,
    )
    assert errors(report) == [
        ("Failed to initialize container localhost/busybox:1: the service 'sick' is unhealthy", 7)
    ]
    assert "I am sick" in report.lines("__initialize_containers")
    assert report.conclusions["__run"] == "skipped"


def test_a_service_that_ends_fails_the_job_with_its_log(bench: Bench) -> None:
    """While it is waited for: one without a health check is up as soon as it was started, as on GitHub, and nobody looks again."""
    report = run(
        bench,
        """
        gone:
          image: localhost/busybox:1
          options: --entrypoint sh --health-cmd "exit 1" --health-interval 100ms --health-retries 100000
          command: -c "echo bye; exit 3"
        """,
    )
    ((message, _),) = errors(report)
    assert message.endswith("the service 'gone' has ended")
    assert "bye" in report.lines("__initialize_containers")


def test_a_port_that_is_taken_is_told(bench: Bench) -> None:
    services = """
        one: {image: localhost/busybox:1, ports: ['18080:80'], options: --entrypoint sleep, command: '1000'}
        two: {image: localhost/busybox:1, ports: ['18080:80'], options: --entrypoint sleep, command: '1000'}
    """
    ((message, line),) = errors(run(bench, services))
    assert message.startswith(
        "The service 'two' cannot be started: the container of 'localhost/busybox:1' could not be started:"
    )
    assert "18080" in message or "address already in use" in message
    assert line == 7


def test_what_is_wrong_is_said_of_all_services_before_any_starts(bench: Bench) -> None:
    report = run(
        bench,
        """
        one: {image: localhost/busybox:1, options: --foo}
        two: {image: localhost/busybox:1, ports: [nonsense]}
        """,
    )
    assert [line for _, line in errors(report)] == [6, 7]
    assert report.started == []


def test_a_job_that_is_stopped_while_its_services_start_leaves_nothing(bench: Bench) -> None:
    report = run(
        bench,
        """
        slow:
          image: localhost/busybox:1
          options: --entrypoint sleep --health-cmd "exit 1" --health-interval 100s
          command: '1000'
        """,
        on_fact=stop_at_line("##[group]Waiting for all services to be ready"),
    )
    assert report.end.conclusion == "cancelled"


def test_a_sandboxed_jobs_services_get_nothing_of_the_machine(podman: Podman, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    podman.busybox()
    bench.service_host = walled = ContainerHost(
        str(tmp_path / "home"), {**os.environ, **podman.variables}, is_walled=lambda _: True
    )
    try:
        mounted = run(bench, "evil: {image: localhost/busybox:1, volumes: ['/etc:/outside']}")
        privileged = run(bench, "evil: {image: localhost/busybox:1, options: --privileged}")
    finally:
        walled.close()
    assert (
        "asks for the folder '/etc:/outside' of this machine, which a sandboxed job may not have" in mounted.errors[0]
    )
    assert "asks for `Privileged` in its options" in privileged.errors[0]


# --- what a killed Homeport leaves -----------------------------------------------------------------------------------

LONG = """
    on: push
    jobs:
      one:
        runs-on: ubuntu-latest
        container: localhost/busybox:1
        services:
          side: {image: 'localhost/busybox:1', options: --entrypoint sleep, command: '1000'}
        steps:
          - run: 'echo started; while test ! -e /__w/stop; do sleep 0.1; done'
"""


def test_a_killed_homeport_takes_its_podman_and_containers_along(podman: Podman, tmp_path: Path) -> None:
    podman.busybox()
    repository = make_repository(tmp_path, LONG)
    with LiveRun(["run"], cwd=repository, env=podman.variables) as live:
        live.until_printed("started")
        live.process.send_signal(signal.SIGKILL)
        live.process.wait()
    await_true(lambda: podman.list_left() == NOTHING, "containers of the killed run are still there")


def test_the_next_start_removes_what_a_killed_one_left_with_a_running_engine(podman: Podman, tmp_path: Path) -> None:
    podman.busybox()
    short = "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n"
    repository = make_repository(tmp_path, {"long.yml": LONG, "short.yml": short})
    socket = tmp_path / "p.sock"
    environment = {**os.environ, **podman.variables}
    service = subprocess.Popen([podman.program, "system", "service", "--time=0", f"unix://{socket}"], env=environment)
    try:
        await_true(socket.exists, "podman does not listen")
        variables = {**podman.variables, "DOCKER_HOST": f"unix://{socket}"}
        with LiveRun(["run", "long.yml"], cwd=repository, env=variables) as live:
            live.until_printed("started")
            live.process.send_signal(signal.SIGKILL)
            live.process.wait()
        left = podman.list_left()
        assert len(left["containers"]) == 2
        assert len(left["networks"]) == 1
        other = podman.run("run", "--detach", "--label", "homeport=true", "localhost/busybox:1", "sleep", "1000")
        answer = run_homeport(["run", "short.yml"], cwd=repository, env=variables)
        assert answer.exit_code == 0, answer.describe()
        assert podman.run("ps", "--all", "--quiet", "--no-trunc").split() == [other]
        podman.run("rm", "--force", "--time=0", other)
        assert podman.list_left() == NOTHING
    finally:
        service.terminate()
        service.wait()


def test_the_engine_is_said_to_be_missing_where_there_is_none(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, LONG)
    answer = run_homeport(["run"], cwd=repository, env={"DOCKER_HOST": "unix:///no/such.sock"})
    assert answer.exit_code == 1
    (message, *_) = [fact["message"] for fact in answer.of("annotation_raised")]
    assert "This job cannot run in a container: no container engine can be used here: unix:///no/such.sock" in message
    assert "DOCKER_HOST" in message


def test_without_the_package_it_is_named(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, LONG)
    hidden = tmp_path / "hidden" / "docker"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('No module named docker', name='docker')\n")
    answer = run_homeport(["run"], cwd=repository, env={"PYTHONPATH": str(hidden.parent)})
    assert answer.exit_code == 1
    assert any("pip install 'homeport[containers]'" in fact["message"] for fact in answer.of("annotation_raised"))


def test_what_runs_in_containers_reaches_the_services_that_actions_call(podman: Podman, tmp_path: Path) -> None:
    podman.busybox()
    repository = make_repository(
        tmp_path,
        """
        on: push
        permissions: {id-token: write, contents: read}
        jobs:
          one:
            runs-on: ubuntu-latest
            container: localhost/busybox:1
            steps:
              - id: step
                env: {ASK: 'wget -qO- --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL"'}
                run: eval "$ASK" | cut -c 1-20
              - id: action
                uses: docker://localhost/busybox:1
                env: {ASK: 'wget -qO- --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL"'}
                with: {args: 'sh -c "eval \\"$ASK\\" | cut -c 1-20; echo $ACTIONS_RESULTS_URL"'}
        """,
    )
    answer = run_homeport(["run"], cwd=repository, env=podman.variables)
    assert answer.exit_code == 0, answer.describe()
    assert answer.lines("one", "step")[-1] == '{"count":1,"value":"'
    *_, token, address = answer.lines("one", "action")
    assert token == '{"count":1,"value":"'
    assert address.startswith("http://homeport.localhost:")
    assert podman.list_left() == NOTHING
