"""A repository without workflows on a real server: requirements, syntax, tests; and nothing is green that was not looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.run.facts import AnnotationRaised
from tests.support.pushed import PushedRepository
from tests.support.records import records
from tests.support.serve import served


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[PushedRepository]:
    with served(tmp_path / "data") as server:
        yield PushedRepository(server, tmp_path)


def test_a_mistake_in_the_syntax_is_red_and_its_line_is_in_the_log(repository: PushedRepository) -> None:
    run = repository.push({"shop.py": "price = 1\ndef sell(:\n    pass\n"})
    assert repository.await_conclusion(run) == "failure"
    jobs = {name: job["conclusion"] for name, job in repository.jobs(run).items()}
    assert jobs == {"check": "failure", "tests": "skipped"}
    assert any("shop.py" in line and "2" in line for line in repository.log(run, "check"))


def test_what_a_test_needs_is_installed_and_no_test_is_no_success_with_pytest_either(
    repository: PushedRepository,
) -> None:
    without = repository.push({"requirements.txt": "pytest\niniconfig\n", "shop.py": "price = 1\n"})
    assert repository.await_conclusion(without) == "success"
    assert repository.jobs(without)["tests"]["conclusion"] == "skipped"
    with records(repository.server) as kept:
        titles = [fact.title for fact in kept.runs.facts(str(without)) if isinstance(fact, AnnotationRaised)]
    assert "No tests" in titles
    test = "import iniconfig\nfrom shop import price\n\n\ndef test_price() -> None:\n    assert price == 1\n"
    tested = repository.push({"test_shop.py": test})
    assert repository.await_conclusion(tested) == "success"
    assert repository.jobs(tested)["tests"]["conclusion"] == "success"
    assert any("1 passed" in line for line in repository.log(tested, "tests"))


def test_requirements_that_cannot_be_installed_are_red_and_pip_is_heard(repository: PushedRepository) -> None:
    run = repository.push({"requirements.txt": "no such requirement !!\n", "shop.py": "price = 1\n"})
    assert repository.await_conclusion(run) == "failure"
    job = repository.jobs(run)["check"]
    assert [step["name"] for step in job["steps"] if step["conclusion"] == "failure"] == ["Install requirements"]
    assert any("ERROR: Invalid requirement" in line for line in repository.log(run, "check"))
    assert repository.jobs(run)["tests"]["conclusion"] == "skipped"
