"""What the REST interface answers, held against GitHub's published description of it, by requests of our own."""

import io
import re
import ssl
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.public import PublicKey, SealedBox
from sqlalchemy import select

from homeport.language.grammar import SCOPES
from homeport.ports.access import ROLES
from homeport.server.api.table import ENDPOINTS
from homeport.store.tables.audit import AUDIT
from homeport.store.tables.database import Database
from tests.support.api import REPOSITORY, ApiServer, serving_api
from tests.support.github_answers import published
from tests.support.serve import wait_until

HERE = f"/repos/{REPOSITORY}"
UNPUBLISHED = {"repos/get-content-root", "repos/list-statuses-for-ref-old"}
"""addresses that clients use and GitHub answers, but does not describe"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with serving_api(tmp_path_factory.mktemp("api")) as server:
        prepare(server)
        yield server


def prepare(api: ApiServer) -> None:
    """Something of everything that can be made by the interface itself."""
    api.ask("PUT", f"{HERE}/environments/prod")
    for above in (f"{HERE}/actions", f"{HERE}/environments/prod", "/orgs/acme/actions"):
        api.ask("POST", f"{above}/variables", {"name": "COLOUR", "value": "blue", **visible(above)}, status=201)
        put_secret(api, f"{above}/secrets", "TOKEN", "s3cret", **visible(above))
    for above in (f"{HERE}/dependabot", "/orgs/acme/dependabot"):
        put_secret(api, f"{above}/secrets", "TOKEN", "s3cret", **visible(above))
    api.ask("POST", f"{HERE}/statuses/{api.sha}", {"state": "success", "context": "lint"}, status=201)


def visible(above: str) -> dict[str, Any]:
    return {"visibility": "selected", "selected_repository_ids": [1]} if above.startswith("/orgs") else {}


def put_secret(api: ApiServer, above: str, name: str, value: str, **more: Any) -> httpx.Response:
    key = api.ask("GET", f"{above}/public-key")
    sealed = SealedBox(PublicKey(b64decode(key["key"]))).encrypt(value.encode())
    body = {"encrypted_value": b64encode(sealed).decode(), "key_id": key["key_id"], **more}
    return api.send("PUT", f"{above}/{name}", body)


def test_every_endpoint_is_one_of_githubs() -> None:
    for endpoint in ENDPOINTS:
        if endpoint.operation in UNPUBLISHED:
            continue
        path = re.sub(r"\{(\w+)(:path)?\}", r"{\1}", endpoint.path)
        written = published().find_path(endpoint.method, re.sub(r"\{\w+\}", "x", path))
        assert written is not None, f"{endpoint.method} {path}"
        assert published().operation(endpoint.method, written)["operationId"] == endpoint.operation
        assert str(endpoint.status) in published().operation(endpoint.method, written)["responses"], endpoint.operation


def test_what_takes_a_maintainer_no_job_may_whatever_its_permissions() -> None:
    for endpoint in ENDPOINTS:
        permission = endpoint.permission
        if permission is not None and ROLES.index(permission.role) >= ROLES.index("maintainer"):
            assert permission.grant not in SCOPES, endpoint.operation


def test_everything_that_can_be_read_is_answered_as_published(api: ApiServer) -> None:
    job = next(each["id"] for each in api.get("/actions/runs/1/jobs")["jobs"] if each["name"] == "build")
    values = {
        "owner": "acme",
        "repo": "shop",
        "org": "acme",
        "username": "ada",
        "run_id": 1,
        "attempt_number": 1,
        "job_id": job,
        "check_run_id": job,
        "check_suite_id": 1,
        "workflow_id": "ci.yml",
        "artifact_id": 1,
        "archive_format": "zip",
        "environment_name": "prod",
        "secret_name": "TOKEN",
        "name": "COLOUR",
        "path": "app.py",
        "ref": "main",
        "branch": "main",
    }
    special = {"git/get-ref": "heads/main", "git/list-matching-refs": "heads/ma"}
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET":
            chosen = {**values, "ref": special.get(endpoint.operation, "main")}
            path = re.sub(r"\{(\w+)(:path)?\}", r"{\1}", endpoint.path).format(**chosen)
            found = api.ask("GET", path, status=endpoint.status)
            assert endpoint.status == 302 or found, path


def test_a_list_comes_in_pages_that_lead_to_one_another(api: ApiServer) -> None:
    address, seen = f"{HERE}/actions/runs?per_page=1&branch=main&created=>=2020-01-01", []
    while address:
        answer = api.send("GET", address)
        seen += [run["id"] for run in answer.json()["workflow_runs"]]
        links = dict(reversed(part.split("; ")) for part in answer.headers.get("link", "").split(", ") if part)
        address = links.get('rel="next"', "").strip("<>").removeprefix(api.api)
    total = api.get("/actions/runs", branch="main")["total_count"]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == total


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("branch=v1", [2]),
        ("branch=nope", []),
        ("event=push", [2, 1]),
        ("event=schedule", []),
        ("status=failure", [2, 1]),
        ("status=success", []),
        ("status=completed", [2, 1]),
        ("actor=ADA", [2, 1]),
        ("actor=bob", []),
        ("check_suite_id=1", [1]),
        ("created=<2020-01-01", []),
        ("created=2020-01-01..2021-01-01", []),
        ("created=>2020-01-01T00:00:00Z", [2, 1]),
        ("created=2020-01-01..*", [2, 1]),
        ("head_sha=" + "0" * 40, []),
        ("per_page=0", [2]),
        ("per_page=x&page=-1", [2, 1]),
        ("page=9", []),
    ],
)
def test_runs_are_filtered(api: ApiServer, query: str, expected: list[int]) -> None:
    found = api.ask("GET", f"{HERE}/actions/runs?{query}")
    assert [run["id"] for run in found["workflow_runs"] if run["id"] <= 2] == expected
    assert {run["actor"]["id"] for run in found["workflow_runs"]} <= {1}


def test_a_date_that_is_none_is_said_to_be_so(api: ApiServer) -> None:
    answer = api.ask("GET", f"{HERE}/actions/runs?created=soon", status=422)
    assert answer["errors"][0]["field"] == "created"
    assert "'soon' is not a date" in answer["message"]


def test_what_the_caller_has_already_is_not_sent_again(api: ApiServer) -> None:
    first = api.send("GET", f"{HERE}/actions/runs/1")
    again = api.send("GET", f"{HERE}/actions/runs/1", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.send("GET", f"{HERE}/actions/runs/2", **{"if-none-match": first.headers["etag"]}).status_code == 200


def test_requests_are_counted(api: ApiServer) -> None:
    first, second = (api.send("GET", f"{HERE}/actions/runs/1").headers for _ in range(2))
    assert int(second["x-ratelimit-used"]) == int(first["x-ratelimit-used"]) + 1
    assert int(second["x-ratelimit-remaining"]) + int(second["x-ratelimit-used"]) == int(second["x-ratelimit-limit"])
    rate = api.ask("GET", "/rate_limit")["rate"]
    assert str(rate["used"]) == second["x-ratelimit-used"]


def test_who_may_not_see_a_repository_learns_nothing_of_it(api: ApiServer) -> None:
    stranger = api.person("mallory")
    for path in ("", "/actions/runs", "/actions/runs/1", "/actions/secrets", "/contents/app.py"):
        for missing in (f"{HERE}{path}", f"/repos/acme/nothing{path}"):
            assert api.ask("GET", missing, status=404, token=stranger)["message"] == "Not Found"
            assert api.ask("GET", missing, status=401, token="")["message"] == "Requires authentication"
    assert api.ask("GET", "/user/repos", token=stranger) == []
    assert api.send("GET", f"{HERE}", token="hpt_wrong").status_code == 401


def test_who_was_kept_from_something_is_in_the_audit_log_and_who_found_nothing_is_not(api: ApiServer) -> None:
    nosy = api.person("nosy")
    api.ask("GET", f"{HERE}/actions/secrets", status=404, token=nosy)
    api.ask("GET", "/repos/acme/nothing", status=404, token=nosy)
    database = Database(f"sqlite:///{api.server.folder / 'homeport.db'}")
    try:
        with database.read() as connection:
            rows = [str(row) for row in connection.execute(select(AUDIT)) if "nosy" in str(row)]
    finally:
        database.close()
    assert [row for row in rows if "/actions/secrets" in row]
    assert not [row for row in rows if "nothing" in row]


def test_a_reader_reads_and_no_more(api: ApiServer) -> None:
    reader = api.person("rita", roles={REPOSITORY: "reader"})
    assert api.ask("GET", f"{HERE}/actions/runs/1", token=reader)["id"] == 1
    for method, path in (
        ("GET", "/actions/secrets"),
        ("GET", "/actions/variables"),
        ("PUT", "/actions/workflows/ci.yml/disable"),
        ("POST", f"/statuses/{api.sha}"),
        ("DELETE", "/actions/artifacts/1"),
        ("PUT", "/environments/x"),
    ):
        body = {"state": "success"} if method == "POST" else None
        assert api.ask(method, f"{HERE}{path}", body, status=403, token=reader)["message"].startswith("Must have"), path


def test_a_token_that_was_narrowed_to_reading_reads_only(api: ApiServer) -> None:
    narrow = api.person("ada", scopes=frozenset({"read"}))
    assert api.ask("GET", f"{HERE}/actions/runs/1", token=narrow)["id"] == 1
    assert api.send("PUT", f"{HERE}/actions/workflows/ci.yml/disable", token=narrow).status_code == 403


def test_a_secret_goes_in_and_never_out(api: ApiServer) -> None:
    assert put_secret(api, f"{HERE}/actions/secrets", "NEW_ONE", "hush").status_code == 201
    assert put_secret(api, f"{HERE}/actions/secrets", "new_one", "hush").status_code == 204
    listed = api.send("GET", f"{HERE}/actions/secrets")
    assert [each["name"] for each in listed.json()["secrets"]] == ["NEW_ONE", "TOKEN"]
    assert "hush" not in listed.text
    assert put_secret(api, f"{HERE}/actions/secrets", "GITHUB_X", "hush").status_code == 422
    wrong = api.send("PUT", f"{HERE}/actions/secrets/X", {"encrypted_value": "AAAA", "key_id": "1"})
    assert wrong.status_code == 422
    api.ask("DELETE", f"{HERE}/actions/secrets/NEW_ONE", status=204)
    api.ask("DELETE", f"{HERE}/actions/secrets/NEW_ONE", status=404)


def test_a_variable_is_made_changed_renamed_and_forgotten(api: ApiServer) -> None:
    above = f"{HERE}/actions/variables"
    api.ask("POST", above, {"name": "SIZE", "value": "1"}, status=201)
    api.ask("POST", above, {"name": "size", "value": "1"}, status=409)
    api.ask("PATCH", f"{above}/SIZE", {"value": "2"}, status=204)
    api.ask("PATCH", f"{above}/SIZE", {"name": "LENGTH"}, status=204)
    assert api.ask("GET", f"{above}/LENGTH")["value"] == "2"
    api.ask("GET", f"{above}/SIZE", status=404)
    api.ask("DELETE", f"{above}/LENGTH", status=204)
    problem = api.ask("POST", above, {"name": "A"}, status=422)
    assert problem["errors"][0]["code"] == "missing_field"
    assert api.send("POST", above, token=api.token, **{"content-type": "application/json"}).status_code == 422


def test_of_several_that_make_a_variable_at_once_or_take_its_name_one_does(api: ApiServer) -> None:
    above = f"{HERE}/actions/variables"
    numbers = range(6)

    def make(number: int) -> int:
        return api.send("POST", above, {"name": "AT_ONCE", "value": str(number)}).status_code

    def rename(number: int) -> int:
        return api.send("PATCH", f"{above}/V{number}", {"name": "TAKEN"}).status_code

    for number in numbers:
        api.ask("POST", above, {"name": f"V{number}", "value": "1"}, status=201)
    with ThreadPoolExecutor(len(numbers)) as pool:
        assert sorted(pool.map(make, numbers)) == [201, 409, 409, 409, 409, 409]
        assert sorted(pool.map(rename, numbers)) == [204, 409, 409, 409, 409, 409]
    names = {each["name"] for each in api.ask("GET", f"{above}?per_page=30")["variables"]} - {"COLOUR"}
    assert len(names) == len(numbers) + 1
    for name in names:
        api.ask("DELETE", f"{above}/{name}", status=204)


def test_statuses_come_to_a_combined_one(api: ApiServer) -> None:
    sha = "c" * 40
    for state, context in (("pending", "a"), ("success", "a"), ("failure", "B"), ("success", "b")):
        api.ask("POST", f"{HERE}/statuses/{sha}", {"state": state, "context": context}, status=201)
    combined = api.get(f"/commits/{sha}/status")
    assert (combined["state"], combined["total_count"]) == ("success", 2)
    assert len(api.get(f"/commits/{sha}/statuses")) == 4
    wrong = {"state": "success", "target_url": "javascript:alert(1)"}
    api.ask("POST", f"{HERE}/statuses/{sha}", wrong, status=422)
    for wrong in ({"context": "x" * 256}, {"context": "two\nlines"}, {"description": "x" * 141}, {"description": "\0"}):
        api.ask("POST", f"{HERE}/statuses/{sha}", {"state": "success", **wrong}, status=422)
    assert (
        api.ask("POST", f"{HERE}/statuses/{sha}", {"state": "success", "context": ""}, status=201)["context"]
        == "default"
    )
    api.ask("POST", f"{HERE}/statuses/{sha}", {"state": "perfect"}, status=422)


def test_checks_are_jobs_with_their_annotations(api: ApiServer) -> None:
    checks = api.get(f"/commits/{api.sha}/check-runs", per_page=100)["check_runs"]
    of_run = [check for check in checks if check["check_suite"]["id"] == 1]
    assert {check["name"]: check["conclusion"] for check in of_run} == {
        "build": "success",
        "test (3.11)": "success",
        "test (3.12)": "failure",
        "skipped": "skipped",
    }
    (build,) = (check for check in of_run if check["name"] == "build")
    assert build["output"]["summary"] == "# Built\n"
    (annotation,) = api.get(f"/check-runs/{build['id']}/annotations")
    assert (annotation["path"], annotation["start_line"], annotation["annotation_level"]) == ("app.py", 3, "warning")


def test_logs_and_artifacts_are_behind_addresses_that_need_no_token_and_cannot_be_changed(api: ApiServer) -> None:
    for path in ("/actions/runs/1/logs", "/actions/artifacts/1/zip"):
        address = api.send("GET", f"{HERE}{path}").headers["location"]
        assert fetch(api, address).status_code == 200
        assert zipfile.ZipFile(io.BytesIO(fetch(api, address).content)).testzip() is None
        for changed in (
            address.replace("/1.zip", "/2.zip"),
            address.replace("se=1", "se=2"),
            address.partition("?")[0],
        ):
            assert fetch(api, changed).status_code == 403
    job = api.get("/actions/runs/1/jobs")["jobs"][1]["id"]
    log = fetch(api, api.send("GET", f"{HERE}/actions/jobs/{job}/logs").headers["location"])
    assert re.search(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ##\[warning\]This is old$", log.text, re.MULTILINE)


def test_a_file_is_given_as_it_is_in_a_commit(api: ApiServer) -> None:
    raw = api.send("GET", f"{HERE}/contents/app.py?ref=v1", accept="application/vnd.github.raw")
    assert raw.text == "a\nb\nc\n"
    names = [entry["name"] for entry in api.ask("GET", f"{HERE}/contents/.github/workflows")]
    assert names == ["ci.yml", "slow.yml"]
    for path in ("nothing", "app.py/x", "../../etc/passwd", "%2e%2e/x"):
        assert api.send("GET", f"{HERE}/contents/{path}").status_code == 404, path
    assert api.send("GET", f"{HERE}/contents/app.py?ref=--help").status_code == 404
    assert api.send("GET", f"{HERE}/commits/main", accept="application/vnd.github.sha").text == api.sha


def test_a_number_that_is_none_is_not_there(api: ApiServer) -> None:
    for number in ("x", "-1", "99999999999999999999999", "1.5", "٣"):
        for path in ("runs", "jobs", "artifacts"):
            assert api.send("GET", f"{HERE}/actions/{path}/{number}").status_code == 404


def fetch(api: ApiServer, address: str) -> httpx.Response:
    return httpx.get(address, verify=ssl.create_default_context(cafile=str(api.certificate)))


TOKEN = """\
name: Token
on: workflow_dispatch
permissions: {actions: read, statuses: write}
jobs:
  hold:
    runs-on: ubuntu-latest
    steps: [{run: 'printf %s "$TOKEN" > "$KEPT.new"; mv "$KEPT.new" "$KEPT"; exec sleep 600', env: {TOKEN: "${{ github.token }}", KEPT: KEPT_AT}}]
"""


def test_a_jobs_token_may_what_its_permissions_grant_and_dies_with_the_job(api: ApiServer, tmp_path: Path) -> None:
    kept = tmp_path / "token"
    api.checkout.commit({".github/workflows/token.yml": TOKEN.replace("KEPT_AT", str(kept))})
    api.checkout.push()
    wait_until(lambda: api.send("GET", f"{HERE}/actions/workflows/token.yml").status_code == 200)
    newest = api.get("/actions/runs")["workflow_runs"][0]["id"]
    api.ask("POST", f"{HERE}/actions/workflows/token.yml/dispatches", {"ref": "main"}, status=204)
    run = api.await_newest("token.yml", newest)["id"]
    wait_until(kept.exists)
    token = kept.read_text()
    api.ask("GET", f"{HERE}/actions/runs/1", token=token)
    api.ask("POST", f"{HERE}/statuses/{api.sha}", {"state": "success", "context": "job"}, status=201, token=token)
    for method, path in (
        ("POST", "/actions/runs/1/rerun"),
        ("GET", "/actions/secrets"),
        ("GET", "/contents/app.py"),
        ("PUT", "/actions/workflows/ci.yml/disable"),
        ("PUT", "/environments/x"),
    ):
        refused = api.send(method, f"{HERE}{path}", token=token)
        assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration"), path
    assert api.send("GET", "/repos/acme/other", token=token).status_code == 404
    assert api.send("GET", "/orgs/acme/actions/secrets", token=token).status_code == 404
    assert api.send("GET", "/user", token=token).status_code == 403
    api.ask("POST", f"{HERE}/actions/runs/{run}/cancel", status=202)
    api.await_run(run)
    assert api.send("GET", f"{HERE}/actions/runs/1", token=token).status_code == 401, "at once, not soon"
