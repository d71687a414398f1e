"""GitHub as a test's own server: commit statuses, check runs and Apps, by GitHub's description."""

import copy
import functools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.forges.schema import Operation, github_operations
from tests.support.forges.stand_in import Answer, StandIn

APP_ID = "4711"
_MOST_STATUSES = 1000


class GitHubStandIn(StandIn):
    """`tokens` set statuses; the App's installation makes checks. `commits` are those that it knows; empty: all."""

    prefix = "/api/v3"
    has_tags = True

    def __init__(self) -> None:
        super().__init__()
        self.operations = github_operations()
        self.tokens = {"token-of-a-robot"}
        self.commits: set[str] = set()
        self.statuses: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.installation_tokens: list[str] = []
        """those that are good; the last is the newest"""
        self.pulls: dict[int, dict[str, Any]] = {}

    @functools.cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def private_key(self) -> str:
        """Of the App, in PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def states(self, context: str) -> list[str]:
        """What was told of one context, in order."""
        return [each["state"] for each in self.statuses if each["context"] == context]

    def find_header_faults(self, method: str, path: str, headers: Mapping[str, str]) -> list[str]:
        """Source: GitHub docs, "Getting started with the REST API: Headers"."""
        faults = []
        if not headers.get("user-agent"):
            faults.append("a user-agent is missing")
        if headers.get("accept") != "application/vnd.github+json":
            faults.append(f"accept is {headers.get('accept')!r}")
        if headers.get("x-github-api-version") != "2022-11-28":
            faults.append("the version is missing")
        return faults

    def authorize(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        """Apps show a signed statement, all else a token; checks can be made by an installation only."""
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if path.endswith("/installation") or path.startswith("/app/"):
            return self._check_statement(shown)
        if kind != "Bearer" or shown not in {*self.tokens, *self.installation_tokens}:
            return Answer(401, {"message": "Bad credentials"})
        if "/check-runs" in path and shown not in self.installation_tokens:
            return Answer(403, {"message": "You must authenticate via a GitHub App."})
        return None

    def _check_statement(self, shown: str) -> Answer | None:
        try:
            claims = jwt.decode(
                shown, self._key.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.PyJWTError:
            return Answer(401, {"message": "A JSON web token could not be decoded"})
        if claims["iss"] != APP_ID or claims["exp"] - claims["iat"] > 660:
            self.faults.append(f"the App's statement is not as it should be: {claims}")
            return Answer(401, {"message": "'Expiration time' claim ('exp') is too far in the future"})
        return None

    def carry_out(self, operation: Operation, names: Mapping[str, str], query: Mapping[str, str], body: Any) -> Answer:
        """What Homeport has use for."""
        match operation.method, operation.path:
            case "POST", "/repos/{owner}/{repo}/statuses/{sha}":
                return self._add_status(operation, names["sha"], body)
            case "POST", "/repos/{owner}/{repo}/check-runs":
                return self._add_check(operation, body)
            case "PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}":
                return self._change_check(int(names["check_run_id"]), body)
            case "GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}":
                return Answer(200, self._show_check(int(names["check_run_id"])))
            case "GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs":
                found = [
                    self._show_check(each["id"])
                    for each in reversed(self.checks)
                    if each["head_sha"] == names["ref"] and each["name"] == query.get("check_name", each["name"])
                ]
                return Answer(200, {"total_count": len(found), "check_runs": found[:1]})
            case "GET", "/repos/{owner}/{repo}/installation":
                return Answer(200, {**operation.example, "id": 12})
            case "POST", "/app/installations/{installation_id}/access_tokens":
                return self._give_token(operation)
            case "GET", "/repos/{owner}/{repo}":
                return Answer(200, {**operation.example, "default_branch": "trunk"})
            case "GET", "/repos/{owner}/{repo}/pulls":
                opened = [{**operation.example[0], **each} for _, each in sorted(self.pulls.items()) if is_open(each)]
                return self.show_page(opened, query, min(int(query.get("per_page", "30")), 100))
            case "GET", "/repos/{owner}/{repo}/pulls/{pull_number}":
                if (pull := self.pulls.get(int(names["pull_number"]))) is None:
                    return Answer(404, {"message": "Not Found"})
                return Answer(200, {**operation.example, **pull})
            case _:
                return self._refuse(501, f"{operation.method} {operation.path} is not something that was expected")

    def _knows(self, sha: str) -> bool:
        return not self.commits or sha in self.commits

    def _add_status(self, operation: Operation, sha: str, body: Any) -> Answer:
        if not self._knows(sha):
            return Answer(422, {"message": f"No commit found for SHA: {sha}"})
        if len(body.get("description") or "") > 140:
            self.faults.append("the description is too long")
            return Answer(422, {"message": "Validation Failed", "errors": [{"code": "custom", "field": "description"}]})
        context = body.get("context", "default")
        if sum(each["sha"] == sha and each["context"] == context for each in self.statuses) >= _MOST_STATUSES:
            return Answer(
                422, {"message": "This SHA and context has reached the maximum number of statuses.", "errors": []}
            )
        self.statuses.append({"sha": sha, **body})
        return Answer(201, {**operation.example, **body, "id": len(self.statuses)})

    def _add_check(self, operation: Operation, body: Any) -> Answer:
        if not self._knows(body["head_sha"]):
            return Answer(422, {"message": f"No commit found for SHA: {body['head_sha']}"})
        number = 900 + len(self.checks)
        made = {"status": "queued", "conclusion": None, **body, "id": number, "told": [_said(body)]}
        self.annotations[number] = list(body.get("output", {}).get("annotations", ()))
        self.checks.append(made)
        self._find_annotation_faults(number)
        return Answer(201, {**copy.deepcopy(operation.example), **self._show_check(number)})

    def _change_check(self, number: int, body: Any) -> Answer:
        check = next(each for each in self.checks if each["id"] == number)
        check.update({key: value for key, value in body.items() if key != "output"})
        if "conclusion" in body:
            check["status"] = "completed"
        check["output"] = {**check.get("output", {}), **body.get("output", {})}
        check["told"].append(_said(body))
        self.annotations[number] += body.get("output", {}).get("annotations", [])
        self._find_annotation_faults(number)
        return Answer(200, self._show_check(number))

    def _show_check(self, number: int) -> dict[str, Any]:
        check = next(each for each in self.checks if each["id"] == number)
        output = {
            "title": check.get("output", {}).get("title"),
            "annotations_count": len(self.annotations[number]),
        }
        return {**{key: value for key, value in check.items() if key != "told"}, "output": output}

    def _find_annotation_faults(self, number: int) -> None:
        for each in self.annotations[number]:
            if "start_column" in each and each["start_line"] != each["end_line"]:
                self.faults.append("columns are for one line only")

    def _give_token(self, operation: Operation) -> Answer:
        token = f"ghs_{len(self.installation_tokens)}"
        self.installation_tokens.append(token)
        ends_at = datetime.now(UTC) + timedelta(hours=1)
        return Answer(201, {**operation.example, "token": token, "expires_at": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}"})


def is_open(pull: Mapping[str, Any]) -> bool:
    """Whether it has not been closed or merged."""
    return bool(pull.get("state", "open") == "open")


def _said(body: Any) -> str:
    return str(body.get("conclusion") or body.get("status") or "more annotations")
