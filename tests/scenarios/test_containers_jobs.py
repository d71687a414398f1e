"""Jobs that run in a container, on podman, with an image made here."""

import gc
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.run.facts import AnnotationRaised, LinesLogged
from homeport.runner.actions.resolve import resolve_action
from homeport.runner.containers.host import ContainerHost
from homeport.runner.containers.monitors import end_monitors
from homeport.runner.settings import RunnerSettings
from tests.support.images import NOTHING, Podman, open_podman
from tests.support.jobs import Bench, Report, at_lines, stop_at_line
from tests.support.parts import require_node

pytestmark = pytest.mark.xdist_group("podman")


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    yield from open_podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def host(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    """One engine for all tests here, as it is one for all jobs of a run."""
    host = ContainerHost(str(tmp_path_factory.mktemp("home")), {**os.environ, **podman.variables})
    yield host
    host.close()
    assert podman.list_left() == NOTHING


@pytest.fixture
def bench(podman: Podman, host: ContainerHost, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.host_environment = {**os.environ, **podman.variables}
    bench.resolve = resolve_action
    bench.containers = bench.service_host = host
    podman.busybox()
    yield bench
    left = podman.list_left()
    assert {**left, "keepers": []} == NOTHING
    assert list((tmp_path / "work").iterdir()) == []


def run(bench: Bench, steps: str, container: str = "localhost/busybox:1", **order: object) -> Report:
    text = dedent(steps).strip().replace("\n", "\n      ")
    workflow = (
        f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    container: {container}\n    steps:\n      {text}\n"
    )
    return bench.run(workflow, **order)  # type: ignore[arg-type]


def places(report: Report) -> list[tuple[str, int | None]]:
    return [(fact.message, fact.line) for fact in report.of(AnnotationRaised) if fact.severity == "error"]


# --- what a step sees ------------------------------------------------------------------------------------------------


def test_steps_run_in_the_container_with_githubs_folders(bench: Bench) -> None:
    report = run(
        bench,
        """
        - id: look
          run: |
            test -f /bin/busybox && echo "in busybox"
            echo "$PWD $GITHUB_WORKSPACE $HOME $RUNNER_TEMP $RUNNER_TOOL_CACHE $GITHUB_EVENT_PATH"
            test -s "$GITHUB_EVENT_PATH" && echo payload
            echo "[$CI $GITHUB_ACTIONS $FOO $BAR]"
        """,
        "{image: localhost/busybox:1, env: {FOO: foo, CI: mine}, options: -e BAR=bar}",
    )
    assert report.end.conclusion == "success", report.lines()
    assert report.output("look") == [
        "in busybox",
        "/__w/app/app /__w/app/app /github/home /__w/_temp /__t /github/workflow/event.json",
        "payload",
        "[true true foo bar]",
    ]


def test_without_a_shell_key_it_is_sh_also_where_there_is_a_bash(bench: Bench, podman: Podman) -> None:
    report = run(
        bench,
        """
        - {id: default, run: 'echo "[$BASH_VERSION]"'}
        - {id: bash, shell: bash, run: 'echo "${BASH_VERSION:+bash}"; false | true; echo unreachable'}
        - {id: own, if: always(), shell: 'sh -c "echo before; . {0}"', run: echo after}
        """,
        podman.shells(),
    )
    assert "shell: sh -e {0}" in report.lines("default")
    assert report.output("default") == ["[]"]
    assert report.output("bash")[:1] == ["bash"]
    assert report.conclusions["bash"] == "failure"
    assert report.output("own") == ["before", "after"]


def test_what_steps_say_to_later_ones_arrives_and_contexts_hold_the_machines_paths(bench: Bench) -> None:
    report = run(
        bench,
        """
        - id: tell
          run: |
            echo "text=said" >> "$GITHUB_OUTPUT"
            echo "NAME=value" >> "$GITHUB_ENV"
            echo "/opt/tool" >> "$GITHUB_PATH"
            echo "# Done" >> "$GITHUB_STEP_SUMMARY"
            echo "::error file=$GITHUB_WORKSPACE/src/a.py,line=3::broken"
        - id: hear
          run: |
            echo "${{ steps.tell.outputs.text }} $NAME $PATH"
            test "${{ github.workspace }}" != "$GITHUB_WORKSPACE" && echo "as on GitHub"
            echo "${{ job.container.id }} ${{ job.container.network }}"
        - {id: folder, working-directory: '${{ github.workspace }}/..', run: pwd}
        """,
    )
    assert report.output("hear")[:2] == [
        "said value /opt/tool:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "as on GitHub",
    ]
    identity, network = report.output("hear")[2].split()
    assert len(identity) == 64
    assert network.startswith("github_network_")
    assert report.output("folder") == ["/__w/app"]
    (raised,) = report.of(AnnotationRaised)
    assert (raised.file, raised.line) == ("src/a.py", 3)


def test_a_matcher_that_a_container_names_is_read(bench: Bench) -> None:
    report = run(
        bench,
        r"""
        - run: |
            echo '{"problemMatcher": [{"owner": "x", "pattern": [{"regexp": "^BAD (\\S+):(\\d+) (.*)$", "file": 1, "line": 2, "message": 3}]}]}' > m.json
            mkdir -p .git src && touch src/a.py
            echo "::add-matcher::$GITHUB_WORKSPACE/m.json"
            echo "BAD $GITHUB_WORKSPACE/src/a.py:7 it is bad"
        """,
    )
    (raised,) = report.of(AnnotationRaised)
    assert (raised.message, raised.line) == ("it is bad", 7)


def test_a_job_without_a_container_may_be_given_one_by_its_runner(bench: Bench) -> None:
    bench.settings = RunnerSettings(
        name="bench", images={"ubuntu-latest": "localhost/busybox:1"}, requires_container=True
    )
    workflow = (
        "on: push\njobs: {one: {runs-on: RUNNER, steps: [{id: look, run: test -f /bin/busybox && echo inside}]}}\n"
    )
    report = bench.run(workflow.replace("RUNNER", "ubuntu-latest"), leg={"runs_on": ("ubuntu-latest",)})
    assert report.output("look") == ["inside"]
    report = bench.run(workflow.replace("RUNNER", "other"), leg={"runs_on": ("other",)})
    assert report.end.conclusion == "failure"
    assert "`--runner other=container:IMAGE`" in report.errors[0]


def test_an_image_may_come_from_an_expression_and_an_empty_one_is_none(bench: Bench) -> None:
    look = "- {id: look, run: 'test -d /__w && echo inside || echo outside'}"
    image = "{image: '${{ inputs.image }}'}"
    assert run(bench, look, image, inputs={"image": "localhost/busybox:1"}).output("look") == ["inside"]
    assert run(bench, look, image, inputs={"image": ""}).output("look") == ["outside"]
    whole = """'${{ fromJSON(''{"image": "localhost/busybox:1", "options": "--hostname named"}'') }}'"""
    assert run(bench, "- {id: look, run: hostname}", whole).output("look") == ["named"]


# --- how steps end ---------------------------------------------------------------------------------------------------


def test_exit_codes_and_output_of_both_streams_arrive(bench: Bench) -> None:
    report = run(bench, "- {id: fails, run: 'echo out; echo err >&2; exit 7'}")
    assert report.output("fails") == ["out", "err", "##[error]Process completed with exit code 7."]
    assert report.step("fails").exit_code == 7


def test_a_program_that_is_not_there_and_a_folder_that_is_not_there_are_named(bench: Bench) -> None:
    report = run(
        bench,
        """
        - {id: shell, shell: pwsh, run: exit 0}
        - {id: folder, if: always(), working-directory: nowhere, run: exit 0}
        - {id: inside, if: always(), working-directory: /nowhere, run: exit 0}
        """,
    )
    assert [report.conclusions[step] for step in ("shell", "folder", "inside")] == ["failure"] * 3
    assert "pwsh" in "\n".join(report.output("shell"))
    assert "nowhere' does not exist" in "\n".join(report.output("folder"))
    assert "/nowhere" in "\n".join(report.output("inside"))


def test_a_background_process_keeps_no_step_waiting_and_ends_with_the_job(bench: Bench) -> None:
    report = run(
        bench,
        """
        - {id: first, run: 'sleep 1000 & echo started'}
        - {id: second, run: 'ps | grep -q "[s]leep 1000" && echo alive'}
        """,
    )
    assert report.output("first") == ["started"]
    assert report.output("second") == ["alive"]


def test_a_cancelled_step_is_interrupted_with_all_that_it_started(bench: Bench) -> None:
    report = run(
        bench,
        """
        - id: long
          run: |
            trap 'echo interrupted; exit 9' INT
            echo waiting
            sleep 1000
        - {id: after, if: always(), run: 'ps | grep "[s]leep 1000" || echo nothing left'}
        """,
        on_fact=stop_at_line("waiting"),
    )
    assert "interrupted" in report.output("long")
    assert report.conclusions["long"] == "cancelled"
    assert report.output("after") == ["nothing left"]


def test_much_output_arrives_whole_and_in_order(bench: Bench) -> None:
    report = run(bench, "- {id: flood, run: seq 1 200000}")
    assert report.output("flood") == [str(number) for number in range(1, 200001)]


def test_text_that_is_no_command_line_is_passed_on_as_it_is(bench: Bench) -> None:
    report = run(
        bench,
        """
        - id: env
          env: {TEXT: "two\\nlines 'and' \\"quotes\\" $HOME \\\\ é"}
          run: printf '%s\\n' "$TEXT"
        """,
    )
    assert report.output("env") == ["two", "lines 'and' \"quotes\" $HOME \\ é"]


# --- users and files -------------------------------------------------------------------------------------------------


def test_a_user_who_is_not_root_can_work_and_leaves_nothing(bench: Bench) -> None:
    report = run(
        bench,
        """
        - id: work
          run: |
            id -u
            echo "text=said" >> "$GITHUB_OUTPUT"
            mkdir -p a/b && touch a/b/c "$HOME/d" && chmod 500 a/b
        - {id: hear, run: 'echo "${{ steps.work.outputs.text }}"'}
        """,
        "{image: localhost/busybox:1, options: --user 1234}",
    )
    assert report.output("work") == ["1234"]
    assert report.output("hear") == ["said"]
    assert stat.S_IMODE(os.stat(bench.folder / "work").st_mode) == 0o700


# --- actions in containers -------------------------------------------------------------------------------------------

_NODE_ACTION = {
    "action.yml": """
        name: Look
        inputs: {who: {default: nobody}}
        outputs: {where: {description: the folder}}
        runs: {using: node20, main: main.js, post: post.js}
    """,
    "main.js": """
        const fs = require('fs')
        console.log(`hello ${process.env.INPUT_WHO} on ${process.execPath} in ${process.cwd()}`)
        fs.appendFileSync(process.env.GITHUB_OUTPUT, `where=${__dirname}\\n`)
        fs.appendFileSync(process.env.GITHUB_STATE, 'kept=yes\\n')
    """,
    "post.js": "console.log(`post ${process.env.STATE_kept}`)\n",
}


def put_action(bench: Bench, name: str, files: dict[str, str]) -> None:
    tree = bench.folder / "tree"
    (tree / name).mkdir(parents=True)
    for file, text in files.items():
        (tree / name / file).write_text(dedent(text))
    bench.in_place = str(tree)


def test_a_javascript_action_runs_in_the_container_with_a_node_that_is_mounted(bench: Bench, podman: Podman) -> None:
    node = require_node(24)
    bench.host_environment["PATH"] = f"{Path(node).parent}:{os.environ['PATH']}"
    put_action(bench, "look", _NODE_ACTION)
    report = run(
        bench,
        """
        - {id: look, uses: ./look, with: {who: Ada}}
        - {id: hear, run: 'echo "${{ steps.look.outputs.where }}"'}
        """,
        podman.shells(),
    )
    (greeting,) = [line for line in report.output("look") if line.startswith("hello")]
    assert greeting.startswith("hello Ada on /__e/node2")
    assert greeting.endswith(f"in /__w/{bench.folder.name}/tree")
    assert report.output("hear") == [f"/__w/{bench.folder.name}/tree/look"]
    assert "post yes" in report.lines()


def test_an_image_that_cannot_run_the_node_of_this_machine_says_so(bench: Bench) -> None:
    require_node(24)
    put_action(bench, "look", _NODE_ACTION)
    report = run(bench, "- {id: look, uses: ./look}")
    assert report.conclusions["look"] == "failure"
    assert "JavaScript actions cannot run in this container" in report.errors[0]


def test_native_actions_do_not_reach_for_files_that_only_the_container_has(bench: Bench) -> None:
    report = run(bench, "- {id: keep, uses: actions/cache@v4, with: {path: /root/.cache/pip, key: k}}")
    assert report.conclusions["keep"] == "failure"
    assert "'/root/.cache/pip' is within the job's container" in report.errors[0]


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_image_that_cannot_be_pulled_fails_at_its_place_without_the_password(bench: Bench) -> None:
    container = "{image: 'localhost:1/no/such:1', credentials: {username: ada, password: '${{ secrets.WORD }}'}}"
    report = run(bench, "- run: echo unreachable", container, secrets={"WORD": "correct horse"})
    assert report.end.conclusion == "failure"
    (error,) = report.errors
    assert error.startswith(
        "The job's container cannot be started: the image 'localhost:1/no/such:1' is not on this machine and cannot be pulled:"
    )
    assert "correct horse" not in "\n".join([*report.lines(), *report.errors, report.end.reason or ""])
    assert [line for _, line in places(report)] == [5]
    assert report.conclusions["__run"] == "skipped"


def test_a_container_that_ends_at_once_is_told_with_what_it_said(bench: Bench) -> None:
    report = run(
        bench, "- run: echo unreachable", "{image: localhost/busybox:1, options: '--pids-limit 1 --user nobody-here'}"
    )
    assert report.end.conclusion == "failure"
    assert "nobody-here" in report.errors[0]


def test_an_image_without_tail_cannot_carry_a_job(bench: Bench, podman: Podman) -> None:
    image = podman.make_image("localhost/empty:1", _empty_layer(), "CMD nothing")
    report = run(bench, "- run: echo unreachable", image)
    assert report.end.conclusion == "failure"
    assert "tail" in report.errors[0]


def _empty_layer() -> bytes:
    import io  # noqa: PLC0415 - for this one
    import tarfile  # noqa: PLC0415 - for this one

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as layer:
        member = tarfile.TarInfo("etc")
        member.type = tarfile.DIRTYPE
        layer.addfile(member)
    return made.getvalue()


def test_an_option_that_is_not_supported_fails_before_anything_starts(bench: Bench) -> None:
    report = run(bench, "- run: echo unreachable", "{image: localhost/busybox:1, options: --network host}")
    assert places(report) == [
        (
            "This job cannot run in a container: the option --network is not supported, as on GitHub: the containers of a job have a "
            "network of their own",
            5,
        )
    ]
    assert report.started == []


def test_a_container_that_dies_in_the_midst_of_a_step_ends_it(bench: Bench, podman: Podman) -> None:
    report = run(
        bench,
        """
        - {id: dying, run: 'echo going; sleep 1000'}
        - {id: after, if: always(), run: echo unreachable}
        """,
        on_fact=at_lines({"going": lambda _: podman.kill_containers()}),
    )
    assert report.conclusions["dying"] == "failure"
    assert report.conclusions["after"] == "failure"
    assert "the container does not start it" in report.errors[-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_lost_in_the_midst_of_a_step_is_told(podman: Podman, tmp_path: Path) -> None:
    podman.busybox()
    host = ContainerHost(str(tmp_path / "home"), {**os.environ, **podman.variables})
    bench = Bench(tmp_path)
    bench.containers = host
    try:
        report = run(
            bench,
            "- {id: long, run: 'echo going; sleep 1000'}",
            on_fact=at_lines({"going": lambda _: podman.kill_services()}),
        )
    finally:
        host.close()
    assert report.conclusions["long"] == "failure"
    assert any(
        "The container engine was lost" in line for fact in report.of(LinesLogged) for line in fact.text.split("\n")
    )
    # what the next start looks for is kept
    assert len(list((tmp_path / "home" / "engines").iterdir())) == 1
    for container in podman.run("ps", "--all", "--quiet", "--no-trunc").split():
        podman.run("rm", "--force", "--time=0", container)
        end_monitors(container)
    podman.run("network", "prune", "--force")
    gc.collect()  # Docker's library lets go of a socket which it could not connect only so


def test_a_sandboxed_job_gets_no_container(podman: Podman, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.containers = ContainerHost(
        str(tmp_path / "home"), {**os.environ, **podman.variables}, is_walled=lambda _: True
    )
    report = run(bench, "- run: echo unreachable")
    assert "it is sandboxed, and a container stands outside of the sandbox" in report.errors[0]
