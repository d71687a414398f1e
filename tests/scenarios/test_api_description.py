"""The description of the interface is of what is there, all of it; its pages need nobody else; every build is there as JSON."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from playwright.sync_api import sync_playwright

from homeport.server.api.endpoint import Nothing
from homeport.server.api.table import ENDPOINTS
from tests.support.api import ApiServer, check_answer, serving_api
from tests.support.parts import require_npm_packages, require_program
from tests.support.serve import wait_until

VENDORED = Path(__file__).parents[2] / "src" / "homeport" / "server" / "vendor" / "swagger-ui"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with serving_api(tmp_path_factory.mktemp("description")) as server:
        yield server


@pytest.fixture(scope="module")
def document(api: ApiServer) -> Any:
    return fetch(api, "/openapi.json", token="").json()


def fetch(api: ApiServer, path: str, token: str | None = None) -> httpx.Response:
    return api.fetch(path, token=api.token if token is None else token)


def test_every_endpoint_is_described_and_everything_described_is_there(document: Any) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    routed = {(each.method, "/api/v3" + re.sub(r":path\}", "}", each.path)) for each in ENDPOINTS}
    assert described == routed | {("GET", "/logs"), ("GET", "/logs/{id}")}
    names = [told["operationId"] for methods in document["paths"].values() for told in methods.values()]
    assert len(names) == len(set(names))


def test_everything_described_is_answered_by_a_route_of_its_own(api: ApiServer, document: Any) -> None:
    """What no route knows is answered without the headers of the interface."""
    for path, methods in document["paths"].items():
        for method in methods:
            if path.startswith("/api/v3"):
                asked = re.sub(r"\{\w+\}", "0", path).removeprefix("/api/v3")
                answer = api.send(method.upper(), asked, token="")
                assert "x-ratelimit-limit" in answer.headers, f"{method} {path}: {answer.status_code}"


def test_every_example_is_valid(document: Any) -> None:
    count = 0
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            for content in contents_of(told):
                schema = {**content["schema"], "components": document["components"]}
                jsonschema.Draft202012Validator(schema).validate(content["example"])
                count += 1
            answer = next(iter(told["responses"].items()))
            is_shared = path.startswith(
                "/api/v3/orgs"
            )  # the examples are a repository's, which say not who may use them
            if path.startswith("/api/v3") and not is_shared and "content" in answer[1]:
                example = answer[1]["content"]["application/json"]["example"]
                asked = re.sub(r"\{\w+\}", "x", path).removeprefix("/api/v3")
                check_answer(method.upper(), asked, int(answer[0]), example)
    assert count > len(ENDPOINTS) / 2


def contents_of(told: Any) -> list[Any]:
    good = next(iter(told["responses"].values()))
    return [part["content"]["application/json"] for part in (good, told.get("requestBody", {})) if "content" in part]


def test_an_endpoint_that_takes_something_says_what(document: Any) -> None:
    for each in ENDPOINTS:
        told = document["paths"]["/api/v3" + re.sub(r":path\}", "}", each.path)][each.method.lower()]
        takes = each.given is not Nothing
        has = "requestBody" in told or any(one["in"] == "query" for one in told["parameters"])
        assert has == takes, each.operation


def test_the_pages_about_it_run_under_the_servers_own_policy(api: ApiServer) -> None:
    chromium = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(ignore_https_errors=True).new_page()
        troubles: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{api.server.url}/docs")
        page.get_by_text("List the runs of a repository").first.wait_for()
        page.goto(f"{api.server.url}/redoc")
        operation = page.locator('[id="actions/list-workflow-runs-for-repo"]')
        operation.locator("summary").click()
        operation.get_by_text('"workflow_runs"').wait_for()
        browser.close()
    assert not troubles
    assert {url for url in asked if not url.startswith((api.server.url, "data:", "blob:"))} == set()


def test_what_is_vendored_is_what_npm_has() -> None:
    version = (VENDORED / "README.md").read_text().partition("\n")[0].rpartition(" ")[2]
    package = require_npm_packages({"swagger-ui-dist": version}) / "swagger-ui-dist"
    for file in VENDORED.iterdir():
        if file.name != "README.md":
            assert file.read_bytes() == (package / file.name).read_bytes(), file.name


# --- every build as JSON -----------------------------------------------------------------------------------------------


def test_every_build_is_listed_and_has_an_address_of_its_own(api: ApiServer, document: Any) -> None:
    listed = fetch(api, "/logs?per_page=1").json()
    assert listed["total_count"] >= 2
    assert len(listed["builds"]) == 1
    build = fetch(api, "/logs/1").json()
    assert (build["repository"], build["conclusion"], build["commit"]) == ("acme/shop", "failure", api.sha)
    assert {job["name"]: job["conclusion"] for job in build["jobs"]}["test (3.12)"] == "failure"
    (job,) = (job for job in build["jobs"] if job["name"] == "build")
    assert "##[warning]This is old" in job["lines"]
    assert job["total_lines"] == len(job["lines"])
    for path, found in (("/logs", listed), ("/logs/{id}", build)):
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(found)


def test_a_build_that_goes_on_has_the_same_fields(api: ApiServer) -> None:
    known = api.get("/actions/runs")["workflow_runs"][0]["id"]
    api.ask("POST", "/repos/acme/shop/actions/workflows/slow.yml/dispatches", {"ref": "main"}, status=204)
    run = api.await_newest("slow.yml", known)["id"]

    def look() -> Any:
        found = fetch(api, f"/logs/{run}").json()
        return found if found["jobs"] and "waiting" in found["jobs"][0]["lines"] else None

    running = wait_until(look)
    assert (running["status"], running["conclusion"], running["finished_at"]) == ("in_progress", None, None)
    api.ask("POST", f"/repos/acme/shop/actions/runs/{run}/cancel", status=202)
    api.await_run(run)
    ended = fetch(api, f"/logs/{run}").json()
    assert ended["conclusion"] == "cancelled"
    assert shape(running) == shape(ended)


def shape(build: Any) -> list[list[str]]:
    return [list(build), *(list(job) for job in build["jobs"])]


def test_builds_are_for_those_who_may_see_them(api: ApiServer) -> None:
    stranger = api.person("mallory")
    assert fetch(api, "/logs", token=stranger).json() == {"total_count": 0, "builds": []}
    assert fetch(api, "/logs/1", token=stranger).status_code == 404
    refused = fetch(api, "/logs", token="")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    for number in ("x", "-1", "9" * 30, "..%2f1"):
        assert fetch(api, f"/logs/{number}").status_code == 404
