"""Forges are told how jobs stand: every check in order, the latest state only, and again until it is heard."""

import msgspec
import pytest
from sqlalchemy import select

from homeport.forge.connections import ConnectedForges
from homeport.ports.forge import Status, TokenCredential, Told
from homeport.run.facts import AnnotationRaised, JobExpanded, SummaryWritten
from homeport.server.delivery import OLDEST, Delivery
from homeport.server.forge_credentials import targets_of
from homeport.store.tables.outbox import OUTBOX
from tests.support.forges.bench import SHA, ReportingBench, app, descriptions, leg, token
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import GitHubStandIn
from tests.support.forges.stand_in import Answer
from tests.support.plans import plan_of

Forge = GitHubStandIn | GiteaStandIn
HOUR = 3600.0


# --- statuses --------------------------------------------------------------------------------------------------------


def test_a_job_goes_from_pending_to_its_end_on_each_forge(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run, job = bench.begin("7"), leg("test (3.12)")
    run.queue(job)
    bench.tell()
    run.start(job)
    bench.tell()
    bench.clock.advance(65)
    run.finish(job, "success")
    bench.tell()
    assert forge.states("test (3.12)") == ["pending", "success"]
    assert descriptions(forge.statuses, "test (3.12)") == ["In progress", "Successful in 1m 5s"]
    assert {each["sha"] for each in forge.statuses} == {SHA}
    number = 7 * 10_000_000 + 100_000 + 1
    assert forge.statuses[-1]["target_url"] == f"https://ci.example.com/octo/app/actions/runs/7/job/{number}"
    assert bench.outbox.count_due() == 0
    state = bench.delivery.find_state(repository)
    assert (state.way, state.trouble, state.waiting) == ("statuses", "", 0)


def test_endings_are_told_in_each_forges_words(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run = bench.begin("7")
    jobs = [leg(name) for name in ("failed", "forgiven", "cancelled", "skipped")]
    run.queue(*jobs[:3])
    run.finish(jobs[0], "failure", reason="no runner has the label\nmainframe")
    run.finish(jobs[1], "failure", "success")
    run.finish(jobs[2], "cancelled")
    run.finish(jobs[3], "skipped")
    bench.tell()
    cancelled = "error" if isinstance(forge, GitHubStandIn) else "failure"
    assert {each["context"]: each["state"] for each in forge.statuses} == {
        "failed": "failure",
        "forgiven": "failure",
        "cancelled": cancelled,
        "skipped": "success",
    }
    assert descriptions(forge.statuses, "failed") == ["Failed: no runner has the label mainframe"]
    assert descriptions(forge.statuses, "forgiven") == ["Failed (continue-on-error)"]
    assert descriptions(forge.statuses, "skipped") == ["Skipped"]


def test_what_is_open_is_told_before_what_has_ended(bench: ReportingBench, forge: Forge) -> None:
    """Else a commit would be green for a moment between two jobs."""
    bench.add(forge, token())
    run, build, test = bench.begin("7"), leg("build"), leg("test")
    run.queue(build)
    bench.tell()
    run.finish(build, "success")
    run.queue(test)
    bench.tell()
    assert [(each["context"], each["state"]) for each in forge.statuses] == [
        ("build", "pending"),
        ("test", "pending"),
        ("build", "success"),
    ]


def test_a_description_is_cut_to_what_forges_take(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.finish(job, "failure", reason="x" * 500)
    bench.tell()
    (said,) = descriptions(forge.statuses, "test")
    assert isinstance(said, str)
    assert len(said) == 140
    assert said.endswith("…")


def test_names_of_jobs_may_have_any_character(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run = bench.begin("7")
    run.finish(leg("odd", 'caller / <b>"ü" \n\x00 \u202e 😀 (a, b)'), "success")
    bench.tell()
    assert [each["context"] for each in forge.statuses] == ['caller / <b>"ü"      😀 (a, b)']


# --- a forge that is away ------------------------------------------------------------------------------------------------


def test_after_an_hour_without_the_forge_only_the_last_state_is_told_once(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run, job, other = bench.begin("7"), leg("test"), leg("lint")
    run.queue(job, other)
    bench.tell()
    forge.is_down = True
    run.start(job)
    run.finish(job, "failure")
    run.finish(other, "success")
    for _ in range(360):
        bench.tell()
        bench.clock.advance(10)
    assert bench.delivery.find_state(repository).trouble == "away"
    again = bench.begin("7", attempt=2)
    again.queue(job, other)
    again.finish(job, "success")
    again.finish(other, "success")
    forge.is_down = False
    bench.clock.advance(300)
    bench.tell()
    bench.tell()
    assert forge.states("test") == ["pending", "success"]
    assert forge.states("lint") == ["pending", "success"]
    assert bench.outbox.count_due() == 0
    assert bench.delivery.find_state(repository).trouble == ""


def test_a_forge_that_is_away_is_asked_less_and_less_often(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    forge.is_down = True
    for _ in range(3600):
        bench.tell()
        bench.clock.advance(1)
    assert 10 <= bench.delivery.failed <= 25


def test_what_a_forge_asks_for_in_seconds_is_waited(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    forge.troubles.append(Answer(429, {"message": "slow down"}, {"retry-after": "120"}))
    bench.tell()
    assert bench.delivery.find_state(repository).trouble == "away"
    bench.clock.advance(119)
    assert bench.delivery.find_due() == []
    bench.clock.advance(1)
    bench.tell()
    assert forge.states("test") == ["pending"]


def test_githubs_limits_are_not_taken_for_missing_rights(bench: ReportingBench, github: GitHubStandIn) -> None:
    repository = bench.add(github, token())
    bench.begin("7").queue(leg("test"))
    reset = int(bench.clock.now().timestamp()) + 600
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    github.troubles.append(Answer(403, {"message": "API rate limit exceeded"}, headers))
    bench.tell()
    assert bench.delivery.find_state(repository).trouble == "away"
    bench.clock.advance(599)
    assert bench.delivery.find_due() == []
    bench.clock.advance(1)
    bench.tell()
    assert github.states("test") == ["pending"]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_forge_with_a_fault_is_asked_again(bench: ReportingBench, forge: Forge, status: int) -> None:
    bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    forge.troubles.append(Answer(status, None))
    bench.tell()
    assert forge.statuses == []
    bench.clock.advance(2)
    bench.tell()
    assert forge.states("test") == ["pending"]


def test_a_server_that_died_in_between_tells_what_is_left_in_order(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    run.finish(job, "success")  # and nobody reads it: the process has died
    following = bench.again()
    following.tell()
    assert forge.states("test") == ["pending", "success"]


def test_a_green_whose_answer_was_lost_does_not_hide_the_rerun(bench: ReportingBench, forge: Forge) -> None:
    """The forge may have heard it: what follows is told even if it reads like the last word that was acknowledged."""
    bench.add(forge, token())
    plan, run, job = plan_of(), bench.begin("7"), leg("test")
    run.add(JobExpanded(at=bench.clock.now(), run="7", job="test", legs=(job,)))
    bench.tell()
    forge.loses_answers = 1
    run.finish(job, "success")
    bench.tell()
    again = bench.begin("7", attempt=2, plan=plan)
    again.add(JobExpanded(at=bench.clock.now(), run="7", job="test", legs=(job,)))
    bench.clock.advance(10)
    bench.tell()
    assert forge.states("test") == ["pending", "success", "pending"]


def test_a_check_whose_end_was_heard_in_secret_is_left_and_another_one_made(
    bench: ReportingBench, github: GitHubStandIn
) -> None:
    bench.add(github, app(github))
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    github.loses_answers = 1
    run.finish(job, "success")
    bench.tell()
    bench.begin("7", attempt=2).queue(job)
    bench.clock.advance(10)
    bench.tell()
    assert [each["told"] for each in github.checks] == [["queued", "success"], ["queued"]]


def test_what_was_read_but_not_sent_is_sent_by_the_next_process(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    run.finish(job, "failure")
    bench.reporting.work_off()
    bench.again().tell()
    assert forge.states("test") == ["failure"]


def test_what_could_not_be_told_for_a_week_is_given_up_with_the_reason(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    forge.is_down = True
    bench.tell()
    bench.clock.advance(OLDEST.total_seconds() + 1)
    forge.is_down = False
    bench.tell()
    assert forge.statuses == []
    (refusal,) = bench.delivery.find_state(repository).refusals
    assert "7 days" in refusal.problem


# --- rights --------------------------------------------------------------------------------------------------------------


def test_without_a_token_it_is_said_and_results_are_kept(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge)
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    run.finish(job, "success")
    bench.tell()
    state = bench.delivery.find_state(repository)
    assert (state.way, state.waiting) == ("none", 1)
    assert state.message == f"Nobody has given a token for {forge.url}: results are shown here only."
    assert [each.state for each in bench.statuses.latest(repository.id, SHA)] == ["success"]
    bench.credentials.put(targets_of(repository)[1], token(), at=bench.clock.now())
    bench.clock.advance(60)
    bench.tell()
    assert forge.states("test") == ["success"]


def test_an_expired_token_is_shown_and_its_successor_tells_the_last_state(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    forge.tokens.clear()
    bench.tell()
    state = bench.delivery.find_state(repository)
    assert state.trouble == "denied"
    assert "401" in state.message
    assert "token-of-a-robot" not in state.message
    run.finish(job, "failure")
    forge.tokens.add("another")
    bench.credentials.put(targets_of(repository)[0], TokenCredential("another"), at=bench.clock.now())
    bench.delivery.try_now(repository)
    bench.tell()
    assert forge.states("test") == ["failure"]
    assert bench.delivery.find_state(repository).trouble == ""


def test_one_commit_that_the_forge_does_not_know_keeps_nothing_else_back(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    forge.commits = {SHA}
    bench.reporting.report_problem(repository, "b" * 40, "conflict", "It cannot be merged", number=1)
    bench.begin("7").queue(leg("test"))
    bench.tell()
    assert forge.states("test") == ["pending"]
    (refusal,) = bench.delivery.find_state(repository).refusals
    assert (refusal.status.context, bench.outbox.count_due()) == ("conflict", 0)
    assert "b" * 40 in refusal.problem


def test_a_redirect_is_not_followed_with_the_token(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    forge.troubles.append(Answer(307, None, {"location": f"{forge.url}/elsewhere"}))
    bench.tell()
    assert forge.heard == []
    assert "redirect" in bench.delivery.find_state(repository).message


def test_a_token_is_in_no_message_and_no_representation(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    forge.troubles.append(Answer(403, {"message": "no rights for token-of-a-robot"}))
    bench.tell()
    assert "no rights for ***" in bench.delivery.find_state(repository).message
    assert "token-of-a-robot" not in repr(bench.credentials.find(repository))


# --- several runs of one commit ----------------------------------------------------------------------------------------


def test_a_name_is_green_only_when_all_of_its_jobs_are(bench: ReportingBench, forge: Forge) -> None:
    """The job `test` runs for a push and for a pull request; branch protection on GitHub counts all checks of a name."""
    bench.add(forge, token())
    job, push, pull = leg("test"), bench.begin("7"), bench.begin("8", event="pull_request")
    push.queue(job)
    pull.queue(job)
    push.finish(job, "failure")
    pull.finish(job, "success")
    bench.tell()
    assert forge.states("test")[-1] == "failure"
    again = bench.begin("7", attempt=2)
    again.queue(job)
    bench.tell()
    again.finish(job, "success")
    bench.tell()
    assert forge.states("test")[-2:] == ["pending", "success"]


def test_legs_of_one_name_are_green_only_together(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run, one, two = bench.begin("7"), leg("test (1)", "test"), leg("test (2)", "test")
    run.queue(one, two)
    run.finish(one, "failure")
    run.finish(two, "success")
    bench.tell()
    assert forge.states("test") == ["failure"]


def test_a_rerun_makes_its_jobs_pending_at_once(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run, build, test = bench.begin("7"), leg("build"), leg("test")
    run.queue(build)
    run.finish(build, "success")
    run.queue(test)
    run.finish(test, "failure")
    bench.tell()
    bench.begin("7", attempt=2)
    bench.tell()
    assert forge.states("build")[-1] == "pending"
    assert forge.states("test")[-1] == "pending"


def test_a_run_that_was_replaced_has_no_say_any_more(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    job, old, new = leg("test"), bench.begin("7"), bench.begin("8")
    old.queue(job)
    new.queue(job)
    bench.tell()
    new.finish(job, "success")
    bench.tell()
    old.finish(job, "cancelled")
    bench.tell()
    assert forge.states("test")[-1] == "success"


# --- checks --------------------------------------------------------------------------------------------------------------


def test_an_app_reports_checks_with_annotations_and_a_summary(bench: ReportingBench, github: GitHubStandIn) -> None:
    repository = bench.add(github, app(github))
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    run.start(job)
    bench.tell()
    now = bench.clock.now()
    for line in range(1, 121):
        run.add(
            AnnotationRaised(
                at=now,
                run="7",
                job="test",
                step="s",
                severity="error",
                message="wrong",
                file="a.py",
                line=line,
                column=3,
            )
        )
    run.add(AnnotationRaised(at=now, run="7", job="other", step="s", severity="notice", message="not of this job"))
    run.add(AnnotationRaised(at=now, run="7", job="test", step="s", severity="notice", message="nowhere"))
    run.add(SummaryWritten(at=now, run="7", job="test", step="s", markdown="# All of it"))
    run.finish(job, "failure")
    bench.tell()
    (check,) = github.checks
    assert check["told"] == ["queued", "in_progress", "failure", "more annotations", "more annotations"]
    assert check["output"]["summary"] == "# All of it"
    annotations = github.annotations[check["id"]]
    assert [each["start_line"] for each in annotations[:120]] == list(range(1, 121))
    assert annotations[120]["path"] == ".github"
    assert len(annotations) == 121
    assert github.statuses == []
    assert bench.delivery.find_state(repository).way == "checks"


def test_a_check_whose_answer_was_lost_is_found_again(bench: ReportingBench, github: GitHubStandIn) -> None:
    forge = bench.forges.find(bench.add(github, app(github)))
    assert forge is not None
    assert forge.get_clone_credential().password == "ghs_0"
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    github.loses_answers = 1
    bench.tell()
    bench.clock.advance(60)
    bench.tell()
    run.finish(job, "success")
    bench.tell()
    assert [each["told"] for each in github.checks] == [["queued", "queued", "success"]]


def test_annotations_are_not_told_twice_after_a_crash_in_the_middle(
    bench: ReportingBench, github: GitHubStandIn
) -> None:
    bench.add(github, app(github))
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    for line in range(1, 81):
        run.add(
            AnnotationRaised(
                at=bench.clock.now(), run="7", job="test", step="s", severity="error", message="x", file="a", line=line
            )
        )
    run.finish(job, "failure")
    github.loses_answers = 1
    bench.tell()
    bench.clock.advance(10)
    bench.again().tell()
    assert len(github.annotations[github.checks[0]["id"]]) == 80


def test_a_rerun_makes_another_check_of_the_same_name(bench: ReportingBench, github: GitHubStandIn) -> None:
    bench.add(github, app(github))
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    run.finish(job, "failure")
    bench.tell()
    again = bench.begin("7", attempt=2)
    again.queue(job)
    bench.tell()
    again.finish(job, "success")
    bench.tell()
    assert [(each["name"], each["told"]) for each in github.checks] == [
        ("test", ["failure"]),
        ("test", ["queued", "success"]),
    ]


def test_an_installations_token_that_ends_early_is_replaced(bench: ReportingBench, github: GitHubStandIn) -> None:
    bench.add(github, app(github))
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    github.installation_tokens[:] = ["ghs_gone"]
    run.finish(job, "success")
    bench.tell()
    assert github.checks[0]["told"] == ["queued", "success"]


def test_a_key_that_is_none_is_shown_as_the_reason(bench: ReportingBench, github: GitHubStandIn) -> None:
    credential = app(github)
    repository = bench.add(github, type(credential)(credential.app_id, "not a key"))
    bench.begin("7").queue(leg("test"))
    bench.tell()
    state = bench.delivery.find_state(repository)
    assert state.trouble == "denied"
    assert "private key" in state.message


# --- what is set by others -----------------------------------------------------------------------------------------------


def test_statuses_that_others_set_are_kept_and_passed_on(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    status = Status(sha=SHA, context="deploy", verdict="success", description="done", target_url="https://example.com")
    bench.reporting.set_status(repository, status, "mona")
    bench.tell()
    assert forge.states("deploy") == ["success"]
    (kept,) = bench.statuses.list(repository.id, SHA)
    assert (kept.context, kept.creator, kept.state) == ("deploy", "mona", "success")


def test_nobody_makes_a_job_green_by_a_status_of_its_name(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    run.finish(job, "failure")
    bench.tell()
    green = Status(sha=SHA, context="Test", verdict="success", description="all is well")
    made = bench.reporting.set_status(repository, green, "mona")
    bench.tell()
    assert (made.state, made.creator) == ("success", "mona"), "it is kept as it was set"
    assert forge.states("test") == ["failure"]
    assert forge.states("Test") == []
    (latest,) = bench.statuses.latest(repository.id, SHA)
    assert (latest.state, latest.creator) == ("failure", "")
    again = bench.begin("7", attempt=2)
    again.queue(job)
    again.finish(job, "success")
    bench.tell()
    assert [each.state for each in bench.statuses.latest(repository.id, SHA)] == ["success"]


def test_a_status_that_is_set_red_stays_red_whatever_a_job_of_its_name_says(
    bench: ReportingBench, forge: Forge
) -> None:
    repository = bench.add(forge, token())
    red = Status(sha=SHA, context="test", verdict="failure", description="not yet")
    bench.reporting.set_status(repository, red, "mona")
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    run.finish(job, "success")
    bench.tell()
    assert forge.states("test") == ["failure"]
    bench.reporting.set_status(repository, msgspec.structs.replace(red, verdict="success"), "mona")
    bench.tell()
    assert forge.states("test") == ["failure", "success"]


def test_a_repository_of_homeports_own_keeps_its_statuses_here(bench: ReportingBench) -> None:
    repository = bench.add(None)
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    run.finish(job, "success")
    bench.tell()
    assert [each.state for each in bench.statuses.list(repository.id, SHA)] == ["success", "pending"]
    assert [each.state for each in bench.statuses.latest(repository.id, SHA)] == ["success"]
    assert bench.outbox.count_due() == 0
    assert bench.delivery.find_state(repository).way == "own"


def test_a_forge_inside_is_asked_only_where_the_server_was_told_so(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    bench.begin("7").queue(leg("test"))
    careful = Delivery(
        bench.outbox,
        bench.directory,
        ConnectedForges(bench.credentials, bench.clock),
        bench.clock,
        bench.reporting.find_details,
    )
    bench.reporting.work_off()
    (repository,) = careful.find_due()
    careful.send(repository)
    assert "--internal-forge" in careful.find_state(repository).message
    assert forge.heard == []


def test_what_changes_while_the_forge_is_told_is_told_next(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.reporting.work_off()
    (message,) = bench.outbox.due(repository.id)
    run.finish(job, "success")
    bench.reporting.work_off()
    bench.outbox.acknowledge(message, Told())
    bench.tell()
    assert forge.states("test") == ["success"]
    assert bench.outbox.count_due() == 0


def test_what_the_forge_will_not_take_does_not_hide_what_comes_next(bench: ReportingBench, forge: Forge) -> None:
    repository = bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    forge.troubles.append(Answer(422, {"message": "This SHA and context has reached the maximum"}))
    bench.tell()
    assert len(bench.delivery.find_state(repository).refusals) == 1
    run.finish(job, "success")
    bench.tell()
    assert forge.states("test") == ["success"]
    assert bench.delivery.find_state(repository).refusals == ()


def ids(bench: ReportingBench) -> list[int]:
    with bench.database.read() as connection:
        return list(connection.execute(select(OUTBOX.c.id)).scalars())


def test_settled_messages_are_forgotten_and_the_rest_is_not(bench: ReportingBench, forge: Forge) -> None:
    bench.add(forge, token())
    run, job = bench.begin("7"), leg("test")
    run.queue(job)
    bench.tell()
    forge.is_down = True
    run.queue(leg("other"))
    bench.tell()
    bench.delivery.tidy()
    assert len(ids(bench)) == 2
    bench.clock.advance(91 * 24 * HOUR)
    bench.delivery.tidy()
    assert len(ids(bench)) == 1
    assert bench.outbox.count_due() == 1
