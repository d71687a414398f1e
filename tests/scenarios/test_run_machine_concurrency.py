"""Concurrency between runs, over the pure machine and the real rules of groups; times are seconds of a clock that nobody waits for.

Source: GitHub docs, "Control the concurrency of workflows and jobs"; gist kf6kjg/31b80cf0f8c9997ddc7fe7335c580412 for pending runs.
"""

from homeport.plan.model import Plan
from tests.support.simulation import Act, World
from tests.support.workflows import GITHUB, plan_of_text

JOBS = """
jobs:
  build: {runs-on: ubuntu-latest, steps: [run: "true"]}
  clean: {needs: build, if: always(), runs-on: ubuntu-latest, steps: [run: "true"]}
"""


def _start_later(world: World, seconds: float, plan: Plan, run: str) -> None:
    world.at(seconds, lambda: world.start(plan, run=run, github=GITHUB))


def test_a_newer_run_replaces_the_one_that_waits() -> None:
    world, plan = World(), plan_of_text("concurrency: ci\n" + JOBS)
    for number in range(3):
        _start_later(world, float(number), plan, str(number))
    world.run()
    assert world.timeline("0")[-1] == " 20 run success"
    assert world.timeline("1") == [
        "  1 wait run: ci",
        "  2 cancel",
        "  2 cancelled build: the run was cancelled: a later run of its concurrency group asked for it",
        "  2 cancelled clean: the run was cancelled: a later run of its concurrency group asked for it",
        "  2 run cancelled",
    ]
    assert world.timeline("2")[:2] == ["  2 wait run: ci", " 20 start build"]
    assert world.conclusion("2") == "success"


def test_cancel_in_progress_ends_the_run_that_holds_the_group_after_its_cleanup() -> None:
    world, plan = World(), plan_of_text("concurrency: {group: ci, cancel-in-progress: true}\n" + JOBS)
    _start_later(world, 0, plan, "old")
    _start_later(world, 4, plan, "new")
    world.run()
    assert world.timeline("old") == [
        "  0 start build",
        "  4 cancel",
        "  4 stop build: cancelled",
        "  5 cancelled build",
        "  5 start clean",
        " 15 success clean",
        " 15 run cancelled",
    ]
    assert world.started("build", "new") == 15
    assert world.conclusion("new") == "success"


def test_with_queue_max_every_run_gets_its_turn_in_order() -> None:
    world, plan = World(), plan_of_text("concurrency: {group: ci, queue: max}\n" + JOBS)
    for number in range(4):
        _start_later(world, float(number), plan, str(number))
    world.run()
    assert [world.started("build", str(number)) for number in range(4)] == [0, 20, 40, 60]
    assert {world.conclusion(str(number)) for number in range(4)} == {"success"}


def test_a_full_queue_cancels_the_newcomer() -> None:
    world, plan = World(), plan_of_text("concurrency: {group: ci, queue: max}\n" + JOBS)
    for number in range(102):
        _start_later(world, 0.0, plan, str(number))
    world.run()
    assert [run for run in world.runs if world.conclusion(run) == "cancelled"] == ["101"]


def test_a_job_gives_way_to_a_later_runs_job_and_the_rest_of_its_run_goes_on() -> None:
    plan = plan_of_text("""
        jobs:
          deploy:
            concurrency: {group: "deploy-${{ github.ref }}", cancel-in-progress: true}
            runs-on: ubuntu-latest
            steps: [run: "true"]
          test: {runs-on: ubuntu-latest, steps: [run: "true"]}
          after: {needs: deploy, runs-on: ubuntu-latest, steps: [run: "true"]}
    """)
    world = World()
    _start_later(world, 0, plan, "old")
    _start_later(world, 4, plan, "new")
    world.run()
    assert world.timeline("old") == [
        "  0 start test",
        "  0 start deploy",
        "  4 stop deploy: superseded",
        "  5 cancelled deploy",
        "  5 skipped after: 'deploy', which it needs, was cancelled",
        " 10 success test",
        " 10 run cancelled",
    ]
    assert world.started("deploy", "new") == 5
    assert world.conclusion("new") == "success"


def test_a_run_that_is_cancelled_while_it_waits_runs_no_job_whatever_its_condition() -> None:
    world, plan = World(), plan_of_text("concurrency: ci\n" + JOBS.replace("needs: build, ", ""))
    _start_later(world, 0, plan, "first")
    _start_later(world, 1, plan, "second")
    world.at(2, lambda: world.cancel("second"))
    _start_later(world, 3, plan, "third")
    world.run()
    assert world.conclusions("second") == {"build": "cancelled", "clean": "cancelled"}
    assert world.finished("build", "second") == 2
    assert world.started("build", "third") == 10


def test_a_cancelled_job_leaves_the_queue_of_its_group() -> None:
    plan = plan_of_text("""
        jobs:
          deploy: {concurrency: production, runs-on: ubuntu-latest, steps: [run: "true"]}
    """)
    world = World()
    for number in range(3):
        _start_later(world, number * 2.0, plan, str(number))
    world.at(3, lambda: world.cancel("1"))
    world.run()
    assert world.conclusions("1") == {"deploy": "cancelled"}
    assert world.finished("deploy", "1") == 3
    assert world.started("deploy", "2") == 10


def test_a_leg_that_waits_for_its_group_takes_a_place_of_max_parallel() -> None:
    plan = plan_of_text("""
        jobs:
          holder: {concurrency: g1, runs-on: ubuntu-latest, steps: [run: "true"]}
          test:
            needs: first
            strategy: {max-parallel: 1, matrix: {n: [1, 2]}}
            concurrency: "g${{ matrix.n }}"
            runs-on: ubuntu-latest
            steps: [run: "true"]
          first: {runs-on: ubuntu-latest, steps: [run: "true"]}
    """)
    world = World()
    world.start(plan, {"first": Act(seconds=1), "holder": Act(seconds=30)})
    world.run()
    assert (world.started("test (1)"), world.started("test (2)")) == (30, 40)
