"""Checks that jobs make themselves, with their `GITHUB_TOKEN` and `checks: write` (docs: "REST API endpoints for check runs").

As on GitHub people do not make any: there, only apps do. What a job makes cannot change what jobs are: a job's own check follows from
its steps alone. They are shown on the page of the run, and told to the forge that the repository is at (`server.made_checks`).
"""

from datetime import UTC, datetime

import msgspec

from homeport.rest.checks import CheckAnnotation, CheckOutput, CheckRun, SuiteReference, show_app
from homeport.rest.links import format_time, node_id
from homeport.server.api.answers import Answer, FieldError
from homeport.server.api.call import Call, Permission
from homeport.server.api.commits import resolve
from homeport.server.api.endpoint import Endpoint, endpoint
from homeport.store.tables.made_checks import (
    FIRST_OF_JOBS,
    MadeAnnotation,
    MadeCheck,
    MadeConclusion,
    MadeStatus,
    TooMuchError,
)

WRITE = Permission("writer", "checks", "write")
_REPOSITORY = "/repos/{owner}/{repo}"
_MOST_AT_ONCE = 50
_MOST_ANNOTATIONS = 1000
_LONGEST = 65_535
_LONGEST_NAME = 255
_LONGEST_LINE = 2048
"""of an address, and of what else is shown on one line"""


class OutputBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says for people. Annotations are added to those that it has."""

    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: tuple[MadeAnnotation, ...] = ()


class ChangedCheckBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out stays as it is. With a `conclusion` the check is completed."""

    name: str | None = None
    details_url: str | None = None
    external_id: str | None = None
    status: MadeStatus | None = None
    conclusion: MadeConclusion | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: OutputBody | None = None


class NewCheckBody(ChangedCheckBody, frozen=True, kw_only=True):
    """A check of a commit."""

    name: str
    head_sha: str


def create(call: Call, body: NewCheckBody) -> Answer:
    """A new one."""
    run = _find_maker(call)
    git = call.parts.find_git(call.repository)
    sha = None if git is None else resolve(git, body.head_sha)
    if sha is None:
        call.refuse(f"No commit found for SHA: {body.head_sha[:200]}")
    empty = MadeCheck(repository=call.repository.id, sha=sha, run=run, name=body.name)
    _check_body(call, empty, body)
    try:
        made = call.parts.made_checks.add(_change(empty, body, call.parts.clock.now()))
    except TooMuchError as error:
        call.refuse(str(error))
    return Answer(body=show_made(call, made), status=201)


def change(call: Call, body: ChangedCheckBody) -> Answer:
    """Any that a job of this repository has made."""
    _find_maker(call)
    number = call.number("check_run_id")
    if number >= FIRST_OF_JOBS:
        call.forbid("This check is a job: how it ends follows from its steps, and cannot be set.")
    known = call.parts.made_checks.find(call.repository.id, number)
    if known is None:
        call.refuse_unknown()
    _check_body(call, known, body)
    now = call.parts.clock.now()
    try:
        changed = call.parts.made_checks.change(known.repository, number, lambda check: _change(check, body, now))
    except TooMuchError as error:
        call.refuse(str(error))
    if changed is None:
        call.refuse_unknown()
    return Answer(body=show_made(call, changed))


def show_made(call: Call, check: MadeCheck) -> CheckRun:
    """As GitHub shows one."""
    address = f"{call.links.repository(call.repository.full_name)}/check-runs/{check.id}"
    page = f"{call.links.page(call.repository.full_name)}/actions/runs/{check.run}"
    return CheckRun(
        id=check.id,
        name=check.name,
        node_id=node_id("CR", check.id),
        head_sha=check.sha,
        external_id=check.external_id,
        url=address,
        html_url=page,
        details_url=check.details_url or page,
        status=check.status,
        conclusion=check.conclusion,
        started_at=None if check.started_at is None else format_time(check.started_at),
        completed_at=None if check.completed_at is None else format_time(check.completed_at),
        output=CheckOutput(
            title=check.title,
            summary=check.summary,
            text=check.text,
            annotations_count=len(check.annotations),
            annotations_url=f"{address}/annotations",
        ),
        check_suite=SuiteReference(check.run),
        app=show_app(call.links),
    )


def show_made_annotation(call: Call, check: MadeCheck, annotation: MadeAnnotation) -> CheckAnnotation:
    """One of its remarks."""
    page = call.links.page(call.repository.full_name)
    return CheckAnnotation(**msgspec.structs.asdict(annotation), blob_href=f"{page}/blob/{check.sha}/{annotation.path}")


def _find_maker(call: Call) -> int:
    """The run of the job that asks."""
    if call.caller.kind != "job" or not call.caller.run.isdigit():
        call.forbid("You must authenticate via a GitHub App: checks are made by jobs, with their GITHUB_TOKEN.")
    return int(call.caller.run)


def _change(check: MadeCheck, body: ChangedCheckBody, now: datetime) -> MadeCheck:
    output = body.output or OutputBody()
    status = "completed" if body.conclusion is not None else body.status or check.status
    is_over = status == "completed"
    return msgspec.structs.replace(
        check,
        name=body.name or check.name,
        status=status,
        conclusion=(body.conclusion or check.conclusion) if is_over else None,
        external_id=check.external_id if body.external_id is None else body.external_id,
        details_url=check.details_url if body.details_url is None else body.details_url,
        started_at=_aware(body.started_at) or check.started_at or now,
        completed_at=(_aware(body.completed_at) or check.completed_at or now) if is_over else None,
        title=check.title if output.title is None else output.title,
        summary=check.summary if output.summary is None else output.summary,
        text=check.text if output.text is None else output.text,
        annotations=(*check.annotations, *output.annotations),
    )


def _check_body(call: Call, check: MadeCheck, body: ChangedCheckBody) -> None:
    """Raises `ApiRefusalError`."""
    output = body.output or OutputBody()
    wrong: list[FieldError] = []
    if body.name is not None and (
        not body.name.strip() or len(body.name) > _LONGEST_NAME or not body.name.isprintable()
    ):
        wrong.append(_wrong("name", f"name has 1 to {_LONGEST_NAME} characters, on one line"))
    for name, text in (("details_url", body.details_url), ("external_id", body.external_id), ("title", output.title)):
        if text is not None and len(text) > _LONGEST_LINE:
            wrong.append(_wrong(name, f"{name} is longer than {_LONGEST_LINE} characters"))
    if body.status == "completed" and (body.conclusion or check.conclusion) is None:
        wrong.append(_wrong("conclusion", "a completed check needs a conclusion"))
    if body.details_url and not body.details_url.startswith(("https://", "http://")):
        wrong.append(_wrong("details_url", "details_url must use http(s)"))
    for name, text in (("summary", output.summary), ("text", output.text)):
        if text is not None and len(text) > _LONGEST:
            wrong.append(_wrong(name, f"{name} is longer than {_LONGEST} characters"))
    if len(output.annotations) > _MOST_AT_ONCE:
        wrong.append(_wrong("annotations", f"at most {_MOST_AT_ONCE} annotations a request"))
    if len(check.annotations) + len(output.annotations) > _MOST_ANNOTATIONS:
        wrong.append(_wrong("annotations", f"a check has {_MOST_ANNOTATIONS} annotations at most"))
    if any(each.start_line < 1 or each.end_line < each.start_line for each in output.annotations):
        wrong.append(_wrong("annotations", "lines count from 1, and end_line is not before start_line"))
    if wrong:
        call.refuse("Validation Failed", wrong)


def _wrong(field: str, message: str) -> FieldError:
    return FieldError(resource="CheckRun", field=field, code="invalid", message=message)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "POST",
        f"{_REPOSITORY}/check-runs",
        "checks/create",
        "Make a check of a commit (jobs only)",
        create,
        NewCheckBody,
        permission=WRITE,
        answer=CheckRun,
        status=201,
    ),
    endpoint(
        "PATCH",
        f"{_REPOSITORY}/check-runs/{{check_run_id}}",
        "checks/update",
        "Change a check that a job made (jobs only)",
        change,
        ChangedCheckBody,
        permission=WRITE,
        answer=CheckRun,
    ),
)
