"""Container actions, on podman: built from a Dockerfile or an image by name."""

import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.run.facts import AnnotationRaised
from homeport.runner.actions.resolve import resolve_action
from homeport.runner.containers.host import ContainerHost
from tests.support.images import NOTHING, Podman, open_podman
from tests.support.jobs import Bench, Report, stop_at_line

pytestmark = pytest.mark.xdist_group("podman")

ACTION = """
    name: Greet
    inputs:
      who-to-greet: {default: nobody}
      loud: {default: 'no'}
    outputs: {said: {description: what it said}}
    runs:
      using: docker
      image: Dockerfile
      args: ['${{ inputs.who-to-greet }}', two words, '']
      env: {OF_ACTION: '${{ inputs.loud }}', OUTER: of the action}
      post-entrypoint: /after.sh
"""
DOCKERFILE = """
    FROM localhost/busybox:1
    COPY main.sh after.sh /
    ENTRYPOINT ["/main.sh"]
"""
MAIN = """\
#!/bin/sh
echo "main $# [$1] [$2] [$3] in $PWD as $HOME"
tr '\\0' '\\n' < /proc/$$/environ | grep -e '^INPUT_' -e '^OF_ACTION' -e '^OUTER' -e '^NAME' | sort
echo "said=hello $1" >> "$GITHUB_OUTPUT"
echo "NAME=exported" >> "$GITHUB_ENV"
echo "kept=state" >> "$GITHUB_STATE"
test -s "$GITHUB_EVENT_PATH" && echo "payload at $GITHUB_EVENT_PATH"
echo made > /github/workspace/made
echo "::warning file=$GITHUB_WORKSPACE/src/a.py,line=4::look here"
exit ${EXIT:-0}
"""
AFTER = """\
#!/bin/sh
echo "after with $STATE_kept"
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    yield from open_podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def host(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    host = ContainerHost(str(tmp_path_factory.mktemp("home")), {**os.environ, **podman.variables})
    yield host
    host.close()
    assert podman.list_left() == NOTHING


@pytest.fixture
def bench(podman: Podman, host: ContainerHost, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.resolve = resolve_action
    bench.containers = bench.service_host = host
    bench.in_place = str(tmp_path / "tree")
    podman.busybox()
    put(bench, "greet", {"action.yml": ACTION, "Dockerfile": DOCKERFILE, "main.sh": MAIN, "after.sh": AFTER})
    yield bench
    assert {**podman.list_left(), "keepers": []} == NOTHING
    assert list((tmp_path / "work").iterdir()) == []


def put(bench: Bench, name: str, files: dict[str, str]) -> None:
    folder = bench.folder / "tree" / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(dedent(text))
        (folder / file).chmod(0o755)


def run(bench: Bench, steps: str, head: str = "", **order: object) -> Report:
    text = dedent(steps).strip().replace("\n", "\n      ")
    workflow = f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n{head}    steps:\n      {text}\n"
    return bench.run(workflow, **order)  # type: ignore[arg-type]


def after_building(report: Report, step: str) -> list[str]:
    lines = report.output(step)
    return lines[lines.index("##[endgroup]") + 1 :] if "##[endgroup]" in lines else lines


def test_a_dockerfile_action_is_built_and_gets_what_github_gives(bench: Bench, podman: Podman) -> None:
    report = run(
        bench,
        """
        - {id: greet, uses: ./greet, with: {who-to-greet: Ada}, env: {OUTER: of the step}}
        - {id: hear, run: 'echo "${{ steps.greet.outputs.said }} $NAME $(cat made)"'}
        """,
    )
    assert report.end.conclusion == "success", report.lines()
    assert after_building(report, "greet") == [
        "main 3 [Ada] [two words] [] in /github/workspace as /github/home",
        "INPUT_LOUD=no",
        "INPUT_WHO-TO-GREET=Ada",
        "OF_ACTION=no",
        "OUTER=of the step",
        "payload at /github/workflow/event.json",
        "##[warning]look here",
    ]
    assert report.output("hear") == ["hello Ada exported made"]
    assert "after with state" in report.lines("__post_greet")
    (warning,) = report.of(AnnotationRaised)
    assert (warning.file, warning.line) == ("src/a.py", 4)
    built = report.lines("greet")
    assert "##[group]Building docker image" in built
    assert any(line.startswith("STEP 1/") or "FROM localhost/busybox:1" in line for line in built)
    assert len(podman.list_images()) == 1


def test_an_image_is_built_once_for_the_same_files_and_anew_for_others(bench: Bench, podman: Podman) -> None:
    first = run(bench, "- {id: greet, uses: ./greet}")
    again = run(bench, "- {id: greet, uses: ./greet}")
    assert any(line.startswith("Built before from the same files: homeport-action:") for line in again.lines("greet"))
    assert after_building(again, "greet") == after_building(first, "greet")
    (bench.folder / "tree" / "greet" / "after.sh").write_text("#!/bin/sh\necho other\n")
    changed = run(bench, "- {id: greet, uses: ./greet}")
    assert not any(line.startswith("Built before") for line in changed.lines("greet"))
    assert "other" in changed.lines("__post_greet")


def test_an_image_may_be_used_by_name_with_arguments_and_an_entrypoint(bench: Bench) -> None:
    report = run(
        bench,
        """
        - {id: plain, uses: 'docker://localhost/busybox:1', with: {args: 'echo one "two  three"'}}
        - {id: entry, uses: 'docker://localhost/busybox:1', with: {entrypoint: /bin/expr, args: 3 + 4, other: x}}
        """,
    )
    assert report.output("plain") == ["one two  three"]
    assert report.output("entry") == ["7"]
    assert report.errors == []


def test_a_folder_with_nothing_but_a_dockerfile_is_an_action(bench: Bench) -> None:
    put(bench, "bare", {"Dockerfile": 'FROM localhost/busybox:1\nENTRYPOINT ["echo", "bare"]\n'})
    report = run(bench, "- {id: bare, uses: ./bare, with: {args: with words}}")
    assert report.output("bare")[-1] == "bare with words"


def test_an_action_file_may_name_an_image(bench: Bench) -> None:
    action = (
        "name: N\nruns: {using: docker, image: 'docker://localhost/busybox:1', entrypoint: /bin/echo, args: [named]}\n"
    )
    put(bench, "named", {"action.yml": action})
    assert run(bench, "- {id: named, uses: ./named}").output("named") == ["named"]


def test_it_joins_the_network_of_the_jobs_services_and_container(bench: Bench) -> None:
    head = """\
    container: localhost/busybox:1
    services:
      web: {image: 'localhost/busybox:1', options: '--entrypoint httpd', command: '-f -p 80 -h /etc'}
"""
    report = run(
        bench,
        """
        - {id: inside, run: 'wget -qO- http://web/group | head -n 1'}
        - {id: action, uses: 'docker://localhost/busybox:1', with: {args: 'sh -c "wget -qO- http://web/group | head -n 1"'}}
        - {id: greet, uses: ./greet}
        """,
        head,
    )
    assert report.output("inside") == ["root:x:0:"]
    assert report.output("action") == ["root:x:0:"]
    assert "main 3 [nobody] [two words] [] in /github/workspace as /github/home" in report.output("greet")


def test_a_failing_action_fails_its_step_with_its_exit_code(bench: Bench) -> None:
    report = run(bench, "- {id: greet, uses: ./greet, env: {EXIT: 3}}")
    assert report.conclusions["greet"] == "failure"
    assert report.step("greet").exit_code == 3


def test_a_build_that_fails_shows_what_it_printed_and_leaves_no_image(bench: Bench, podman: Podman) -> None:
    before = podman.list_images()
    put(bench, "broken", {"Dockerfile": "FROM localhost/busybox:1\nRUN echo trying && exit 7\n"})
    report = run(bench, "- {id: broken, uses: ./broken}")
    assert report.conclusions["broken"] == "failure"
    assert report.errors[0].startswith("Docker build failed: ")
    assert "trying" in report.lines("broken")
    named = [image for image in podman.list_images() if "homeport-action" in image]
    assert named == [image for image in before if "homeport-action" in image]


def test_an_image_that_is_nowhere_fails_its_step_at_its_place(bench: Bench) -> None:
    report = run(bench, "- {id: gone, uses: 'docker://localhost:1/gone:1'}")
    assert report.conclusions["gone"] == "failure"
    assert report.errors[0].startswith(
        "'docker://localhost:1/gone:1' cannot run in a container: the image 'localhost:1/gone:1' is not on this machine and cannot be pulled:"
    )
    assert [fact.line for fact in report.of(AnnotationRaised)] == [6]


def test_an_entrypoint_that_is_not_in_the_image_is_told(bench: Bench) -> None:
    report = run(bench, "- {id: gone, uses: 'docker://localhost/busybox:1', with: {entrypoint: /nowhere}}")
    assert report.conclusions["gone"] == "failure"
    assert "/nowhere" in "\n".join(report.errors + report.output("gone"))


def test_a_cancelled_action_is_stopped_and_removed(bench: Bench) -> None:
    report = run(
        bench,
        """
        - {id: long, uses: 'docker://localhost/busybox:1', with: {args: 'sh -c "trap \\"echo interrupted; exit 1\\" INT; echo waiting; sleep 1000 & wait"'}}
        """,
        on_fact=stop_at_line("waiting"),
    )
    assert report.conclusions["long"] == "cancelled"
    assert "interrupted" in report.output("long")


def test_secrets_of_an_action_are_in_no_list_of_processes(bench: Bench, podman: Podman) -> None:
    seen: list[str] = []

    def look(fact: object, flag: object) -> None:
        if "waiting" in str(fact):
            seen.extend(
                Path(f"/proc/{name}/cmdline").read_text()
                for name in os.listdir("/proc")
                if name.isdigit() and os.path.exists(f"/proc/{name}/cmdline")
            )
            seen.append("looked")

    report = run(
        bench,
        """
        - {id: use, uses: 'docker://localhost/busybox:1', env: {WORD: '${{ secrets.WORD }}'}, with: {args: 'sh -c "echo waiting; sleep 1; echo $WORD"'}}
        """,
        secrets={"WORD": "correct horse"},
        on_fact=look,
    )
    assert report.output("use") == ["waiting", "***"]
    assert "looked" in seen
    assert not [command for command in seen if "correct horse" in command]
