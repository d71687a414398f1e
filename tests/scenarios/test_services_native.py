"""Services without a container engine: the whole path, with the real programs of the machine."""

import os
import signal
import socket
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.runner.services.abandoned import PLACES, PREFIX
from tests.support.conformance import ROOT
from tests.support.homeport import run_homeport
from tests.support.jobs import Bench, Report, TravellingClock, stop_at_line
from tests.support.live import LiveRun
from tests.support.parts import require_program
from tests.support.projects import make_repository
from tests.support.services import await_true, list_folders, list_processes, native_host, require_package

NATIVE = ["run", "--services", "native"]
REDIS = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    services:
      cache:
        image: redis
        ports: [6379]
    steps:
      - id: use
        run: |
          echo "port ${{ job.services.cache.ports['6379'] }} of ${{ job.services.cache.id }}"
          echo ready
      - {id: after, if: always(), run: "echo cleaned up beside ${{ job.services.cache.ports['6379'] }}"}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.service_host = native_host(tmp_path / "home")
    return bench


def count_left() -> int:
    return len(list_folders(os.getpid())) + len(list_processes(os.getpid()))


def job(services: str, steps: str = "- run: echo unreachable") -> str:
    """A workflow with these services, from its sixth line on."""
    lines = [f"      {line}" for line in dedent(services).strip().splitlines()]
    below = [f"      {line}" for line in steps.strip().splitlines()]
    head = ["on: push", "jobs:", "  one:", "    runs-on: ubuntu-latest", "    services:"]
    return "\n".join([*head, *lines, "    steps:", *below, ""])


def places(report: Report) -> list[tuple[str, int | None]]:
    from homeport.run.facts import AnnotationRaised  # noqa: PLC0415 - one test helper needs it

    return [(fact.message, fact.line) for fact in report.of(AnnotationRaised) if fact.severity == "error"]


def test_postgres_redis_and_localstack_serve_a_job_without_any_engine(tmp_path: Path) -> None:
    for program in ("psql", "jq", "curl", "redis-cli"):
        require_program(program)
    require_package("moto")
    repository = make_repository(tmp_path, (ROOT / "tests" / "cases" / "runner" / "services.yml").read_text())
    answer = run_homeport(NATIVE, cwd=repository)
    assert answer.exit_code == 0, answer.describe()
    assert answer.job("together")["outputs"] == {"names": "postgres:5432 redis:6379 localstack:4566"}
    names = [fact["name"] for fact in answer.of("step_started", job="together")]
    assert names[0] == "Initialize containers"
    assert names[-1] == "Stop containers"
    assert [fact["number"] for fact in answer.of("step_started")] == list(range(1, len(names) + 1))
    shown = answer.lines("together", "__initialize_containers")
    assert "##[group]Starting postgres service container" in shown
    assert "postgres service is healthy." in shown
    stopped = "\n".join(answer.lines("together", "__stop_containers"))
    assert "Print service container logs: postgres" in stopped
    assert "ready to accept connections" in stopped
    assert "Stop and remove container: " in stopped
    assert not [fact for fact in answer.of("annotation_raised") if "version" not in fact["message"]], answer.describe()


def test_services_that_nothing_here_knows_are_refused_all_at_once_before_anything_starts(bench: Bench) -> None:
    report = bench.run(
        job(
            "cache: {image: redis, ports: [6379]}\n"
            "queue:\n  image: rabbitmq:4\n"
            "gis: {image: 'postgis/postgis:16-3.4'}\n"
            "bad: {image: redis, options: --network host}\n"
        )
    )
    assert report.started == []
    assert report.end.conclusion == "failure"
    assert [line for _, line in places(report)] == [8, 9, 10]
    reason = str(report.end.reason)
    for words in ("The service 'queue' cannot be started", "'rabbitmq:4'", "PostGIS", "--network"):
        assert words in reason
    assert count_left() == 0


def test_the_reason_reaches_the_command_line(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, job("queue:\n  image: rabbitmq:4"))
    answer = run_homeport(NATIVE, cwd=repository)
    assert answer.exit_code == 1
    assert "there is no provider for the image 'rabbitmq:4'" in answer.job("one")["reason"]
    (raised,) = answer.of("annotation_raised", severity="error")
    assert (raised["line"], raised["column"]) == (7, 16)


def test_one_expression_may_give_all_services_or_one_of_them(bench: Bench) -> None:
    written = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            services: ${{ fromJSON(needs.make.outputs.services) }}
            steps: [{run: "echo '${{ join(job.services.*.network) }}' ${{ job.services.cache.ports['6379'] != '' }}"}]
        """
    services = '{"cache": {"image": "redis", "ports": [6379], "env": {"A": 1}}, "none": {"image": ""}, "off": null}'
    needs = {"make": {"result": "success", "outputs": {"services": services}}}
    report = bench.run(written, needs=needs)
    assert report.end.conclusion == "success", report.errors
    assert " true" in report.output("__run")
    one = job('cache: "${{ fromJSON(\'{\\"image\\": \\"redis\\"}\') }}"\nempty: \'\'', "- run: echo reached")
    assert "reached" in bench.run(one).output()


def test_a_definition_that_makes_no_sense_fails_at_its_place(bench: Bench) -> None:
    report = bench.run(job('cache: "${{ fromJSON(\'{\\"image\\": \\"redis\\", \\"posts\\": [1]}\') }}"'))
    assert report.started == []
    assert [line for _, line in places(report)] == [6]
    assert "'posts'" in str(report.end.reason)


def test_contexts_reach_the_keys_of_a_service(bench: Bench) -> None:
    services = """
    cache:
      image: redis:${{ matrix.version }}
      credentials: {username: me, password: "${{ secrets.PASSWORD }}"}
      env: {A: "${{ secrets.PASSWORD }}", B: "${{ runner.os }}", C: "${{ env.OUTER }}"}
      ports: ["${{ vars.PORT }}:6379"]
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    report = bench.run(
        job(services, "- run: echo ${{ job.services.cache.ports['6379'] }}"),
        leg={"matrix": {"version": "alpine"}},
        variables={"PORT": port},
        secrets={"PASSWORD": "s3cr3t-word"},
    )
    assert report.end.conclusion == "success", report.errors
    assert port in report.output("__run")


def test_a_taken_port_is_named_and_the_job_fails(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        services = f"first: {{image: redis}}\ncache:\n  image: redis\n  ports: ['{port}:6379']"
        report = bench.run(job(services, "- run: echo never\n- {if: always(), run: echo always}"))
    assert f"port {port} of this machine is taken" in str(report.end.reason)
    assert "The service 'cache' cannot be started" in str(report.end.reason)
    assert [line for _, line in places(report)] == [8]
    assert "job.services.cache.ports['6379']" in report.errors[0]
    assert "never" not in report.output()
    assert "always" in report.output()
    assert report.end.conclusion == "failure"
    assert report.conclusions["__stop_containers"] == "success"
    assert count_left() == 0


def test_a_service_that_never_gets_healthy_shows_its_log_and_fails_the_job(bench: Bench) -> None:
    services = """
    good: {image: redis}
    cache:
      image: redis
      options: --health-cmd "echo no luck; false" --health-interval 100ms --health-retries 1
    """
    report = bench.run(job(services, "- run: echo never"))
    shown = report.lines("__initialize_containers")
    assert "good service is healthy." in shown
    assert "cache service is unhealthy." in shown
    start = shown.index("##[group]Service container cache failed.")
    assert any("Ready to accept connections" in line for line in shown[start:])
    assert any("no luck" in line for line in shown[start:])
    assert places(report) == [("Failed to initialize container redis: the service 'cache' is unhealthy", 8)]
    assert report.end.reason == "One or more containers failed to start: 'cache'"
    assert report.step("__initialize_containers").conclusion == "failure"
    assert "never" not in report.output()
    assert count_left() == 0


def test_a_service_that_ends_at_once_is_told_with_its_words(bench: Bench) -> None:
    services = "cache:\n  image: redis\n  command: redis-server --no-such-setting 1"
    report = bench.run(job(services))
    assert any("no-such-setting" in line for line in report.lines("__initialize_containers"))
    assert "the service 'cache' has ended" in report.errors[0]


def test_another_version_is_a_warning_and_with_strict_services_a_failure(bench: Bench, tmp_path: Path) -> None:
    written = job("cache: {image: 'redis:2', options: --memory 1g}", "- run: echo reached")
    report = bench.run(written)
    warnings = [message for severity, message in report.annotations if severity == "warning"]
    assert len(warnings) == 2
    assert "'redis:2' asks for version 2, and Redis" in warnings[1]
    assert "--memory" in warnings[0]
    assert "reached" in report.output()
    answer = run_homeport([*NATIVE, "--strict-services"], cwd=make_repository(tmp_path / "repository", written))
    assert answer.exit_code == 1
    assert "--memory" in answer.job("one")["reason"]
    assert len(answer.of("annotation_raised", severity="error")) == 2
    assert "reached" not in answer.lines()


def test_logs_of_services_are_masked(bench: Bench) -> None:
    secret = "redis version"
    report = bench.run(
        job("cache: {image: redis}", "- run: echo done"), secrets={"WORD": secret.title().replace("V", "v")}
    )
    shown = "\n".join(report.lines("__stop_containers"))
    assert "Redis version" not in shown
    assert "***" in shown


def test_an_empty_image_starts_no_step_of_its_own(bench: Bench) -> None:
    report = bench.run(
        job("cache: {image: '${{ vars.NONE }}'}", "- {id: a, run: 'echo ${{ job.services.cache.id }}.'}")
    )
    assert report.started == ["a"]
    assert report.output("a") == ["."]


def test_a_job_that_is_stopped_while_its_services_start_is_cancelled(bench: Bench) -> None:
    services = 'cache:\n  image: redis\n  options: --health-cmd "false" --health-interval 1h'
    report = bench.run(job(services, "- {if: always(), run: echo cleaned}"), on_fact=stop_at_line("redis"))
    assert report.end.conclusion == "cancelled"
    assert report.step("__initialize_containers").conclusion == "cancelled"
    assert "cleaned" in report.output()
    assert count_left() == 0


def test_the_time_of_the_job_ends_the_wait_for_its_services(bench: Bench) -> None:
    clock = TravellingClock()
    bench.clock = clock
    services = 'cache:\n  image: redis\n  options: --health-cmd "false" --health-interval 1h'

    def look(fact: object, _: object) -> None:
        if "##[group]Waiting for all services" in str(getattr(fact, "text", "")):
            clock.advance(61)

    report = bench.run(job(services), leg={"timeout_minutes": 1.0}, on_fact=look)
    assert report.end.conclusion == "cancelled"
    assert "maximum execution time" in str(report.end.reason)
    assert count_left() == 0


def test_a_stopped_job_keeps_its_services_until_its_cleanup_has_run(tmp_path: Path) -> None:
    written = REDIS.replace("          echo ready\n", "          echo ready\n          sleep 1000\n").replace(
        'run: "echo cleaned', "run: \"exec 3<>/dev/tcp/127.0.0.1/${{ job.services.cache.ports['6379'] }}; echo cleaned"
    )
    with LiveRun(NATIVE, cwd=make_repository(tmp_path, written)) as live:
        live.until_printed("ready")
        assert list_processes(live.process.pid)
        live.interrupt(signal.SIGINT)
        answer = live.rest()
        assert answer.exit_code == 130
        assert any(line.startswith("cleaned up") for line in answer.lines("one", "after")), answer.describe()
        assert answer.step("one", "__stop_containers")["conclusion"] == "success"
        assert list_folders(live.process.pid) == []
        assert list_processes(live.process.pid) == []


def test_nothing_is_left_of_services_when_homeport_is_killed(tmp_path: Path) -> None:
    written = REDIS.replace("          echo ready\n", "          echo ready\n          sleep 1000\n")
    with LiveRun(NATIVE, cwd=make_repository(tmp_path, written)) as live:
        live.until_printed("ready")
        assert list_folders(live.process.pid)
        live.interrupt(signal.SIGKILL)
        await_true(lambda: not list_processes(live.process.pid), "services outlive Homeport")
        await_true(lambda: not list_folders(live.process.pid), "their data outlives Homeport")


def test_the_next_homeport_clears_what_nobody_else_could(tmp_path: Path) -> None:
    """Both Homeport and the process that keeps services were killed (the machine lost its power)."""
    written = REDIS.replace("          echo ready\n", "          echo ready\n          sleep 1000\n")
    repository = make_repository(tmp_path, written)
    with LiveRun(NATIVE, cwd=repository) as live:
        live.until_printed("ready")
        pid = live.process.pid
        live.interrupt(signal.SIGKILL)
        await_true(lambda: not list_folders(pid), "its data outlives Homeport")
    left = Path(f"{PLACES[0]}/{PREFIX}{pid}-left/1")
    left.mkdir(parents=True)
    assert run_homeport(["runs"], cwd=repository).exit_code == 0
    run_homeport(
        NATIVE, cwd=make_repository(tmp_path / "other", "on: push\njobs: {a: {runs-on: linux, steps: [{run: echo}]}}")
    )
    assert not left.parent.exists()
