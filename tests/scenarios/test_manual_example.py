"""The first example of the manual, carried out as it is printed: the workflow is read from the page."""

from pathlib import Path

import pytest

from tests.support.documents import MANUAL, find_blocks, read
from tests.support.git_folders import commit, init
from tests.support.homeport import run_homeport

PAGE = read(MANUAL / "getting-started.md")
GREET = 'def greet(name):\n    return f"Hello, {name}!"\n'
TEST = """\
import unittest

from greet import greet


class GreetTest(unittest.TestCase):
    def test_it_greets_by_name(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")
"""


@pytest.fixture
def greeter(tmp_path: Path) -> Path:
    folder = init(tmp_path / "greeter")
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflow,) = find_blocks(PAGE, "yaml")
    (workflows / "ci.yml").write_text(workflow)
    (folder / "greet.py").write_text(GREET)
    (folder / "test_greet.py").write_text(TEST)
    commit(folder, "Greet by name")
    return folder


def test_the_first_example_of_the_manual_goes_as_it_says(greeter: Path) -> None:
    first = run_homeport(["run"], cwd=greeter)
    assert (first.exit_code, first.conclusions) == (0, {"test": "success", "package": "success"}), first.describe()
    (artifact,) = first.of("artifact_uploaded")
    assert f"{artifact['name']} " in PAGE

    (greeter / "greet.py").write_text(GREET.replace("Hello", "Hi"))
    second = run_homeport(["run"], cwd=greeter)
    assert (second.exit_code, second.conclusions) == (1, {"test": "failure", "package": "skipped"}), second.describe()
    (reason,) = [fact["reason"] for fact in second.of("job_finished", job="package")]
    assert f"– skipped: {reason}" in PAGE
    (failed,) = [fact for fact in second.of("step_finished") if fact["conclusion"] == "failure"]
    assert f"step {failed['number']} '{failed['name']}' failed with exit code {failed['exit_code']}" in PAGE

    (greeter / "greet.py").write_text(GREET)
    third = run_homeport(["run", "--failed"], cwd=greeter)
    assert (third.exit_code, third.conclusions) == (0, {"test": "success", "package": "success"}), third.describe()
    assert third.of("run_queued")[0]["attempt"] == 2
