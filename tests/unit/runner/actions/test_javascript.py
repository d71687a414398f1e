"""JavaScript actions under the machine's own Node.js: which file runs where, and what it is given."""

import json
import shutil
from pathlib import Path

import pytest

from homeport.language.parser.action import parse_action
from homeport.runner.actions.javascript import run_stage
from homeport.runner.actions.model import NodeAction, Origin, Stage
from tests.support.action_host import FolderHost

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: install nodejs")

METADATA = "name: a\ndescription: a\nruns: {using: node24, pre: pre.js, main: dist/main.js, post: post.js}\n"
TELL = "console.log(JSON.stringify({file: __filename, cwd: process.cwd(), env: process.env}))\n"


@pytest.fixture
def host(tmp_path: Path) -> FolderHost:
    return FolderHost(tmp_path / "job", environment={"INPUT_SOME-NAME": "a b $c `d`\nnext", "STATE_key": "kept"})


@pytest.fixture
def action(tmp_path: Path) -> NodeAction:
    folder = tmp_path / "action with blanks"
    (folder / "dist").mkdir(parents=True)
    for name in ("pre.js", "dist/main.js", "post.js"):
        (folder / name).write_text(TELL)
    parsed, _ = parse_action(METADATA, "action.yml")
    assert parsed is not None
    assert NODE is not None
    return NodeAction(origin=Origin(uses="./a"), action=parsed, runs=parsed.runs, folder=str(folder), node=NODE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stage", "file"), [("pre", "pre.js"), ("main", "dist/main.js"), ("post", "post.js")])
def test_each_stage_runs_its_file_in_the_workspace(
    host: FolderHost, action: NodeAction, stage: Stage, file: str
) -> None:
    assert run_stage(action, stage, host) == 0
    told = json.loads(next(line for line in host.lines if line.startswith("{")))
    assert told["file"] == f"{action.folder}/{file}"
    assert told["cwd"] == host.paths.workspace
    assert told["env"]["INPUT_SOME-NAME"] == "a b $c `d`\nnext"
    assert told["env"]["STATE_key"] == "kept"


def test_the_exit_code_is_nodes(host: FolderHost, action: NodeAction) -> None:
    Path(action.folder, "dist/main.js").write_text("process.exit(7)")
    assert run_stage(action, "main", host) == 7


def test_the_version_is_told_and_that_it_is_another_one(host: FolderHost, action: NodeAction) -> None:
    run_stage(action, "main", host)
    ((kind, name, version, detail),) = host.resolutions
    assert (kind, name, detail) == ("tool", "node", NODE)
    if version.partition(".")[0] != "24":
        assert f"This action asks for node24; it runs on Node.js {version}, which this machine has." in host.lines


def test_a_stage_without_a_file_does_nothing(host: FolderHost, action: NodeAction) -> None:
    parsed, _ = parse_action("name: a\ndescription: a\nruns: {using: node20, main: dist/main.js}\n", "action.yml")
    assert parsed is not None
    plain = NodeAction(origin=action.origin, action=parsed, runs=parsed.runs, folder=action.folder, node=action.node)  # type: ignore[arg-type]
    assert run_stage(plain, "post", host) == 0
    assert host.lines == []
