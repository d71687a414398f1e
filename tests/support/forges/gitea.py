"""Gitea (and Forgejo) as a test's own server: commit statuses, by Gitea's description."""

from collections.abc import Mapping
from typing import Any

from tests.support.forges.schema import Operation, gitea_operations
from tests.support.forges.stand_in import Answer, StandIn


class GiteaStandIn(StandIn):
    """`tokens` set statuses. `commits` are those that it knows; empty: all."""

    prefix = "/api/v1"

    def __init__(self) -> None:
        super().__init__()
        self.operations = gitea_operations()
        self.tokens = {"token-of-a-robot"}
        self.commits: set[str] = set()
        self.statuses: list[dict[str, Any]] = []
        self.pulls: dict[int, dict[str, Any]] = {}

    def states(self, context: str) -> list[str]:
        """What was told of one context, in order."""
        return [each["state"] for each in self.statuses if each["context"] == context]

    def find_header_faults(self, method: str, path: str, headers: Mapping[str, str]) -> list[str]:
        """Gitea answers JSON only."""
        return [] if headers.get("accept") == "application/json" else [f"accept is {headers.get('accept')!r}"]

    def authorize(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        """Source: Gitea docs, "API usage: Authentication" (`Authorization: token …`)."""
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind != "token" or shown not in self.tokens:
            return Answer(401, {"message": "invalid username, password or token"})
        return None

    def carry_out(self, operation: Operation, names: Mapping[str, str], query: Mapping[str, str], body: Any) -> Answer:
        """What Homeport has use for."""
        match operation.method, operation.path:
            case "POST", "/repos/{owner}/{repo}/statuses/{sha}":
                if self.commits and names["sha"] not in self.commits:
                    return Answer(404, {"message": "object does not exist", "url": ""})
                self.statuses.append({"sha": names["sha"], **body})
                return Answer(201, {"id": len(self.statuses), "status": body["state"], "context": body["context"]})
            case "GET", "/repos/{owner}/{repo}":
                return Answer(200, {"id": 1, "default_branch": "trunk"})
            case "GET", "/repos/{owner}/{repo}/pulls":
                opened = [each for _, each in sorted(self.pulls.items()) if each["state"] == "open"]
                return self.show_page(opened, query, min(int(query.get("limit", "30")), 50))
            case "GET", "/repos/{owner}/{repo}/pulls/{index}":
                found = self.pulls.get(int(names["index"]))
                return Answer(404, {"message": "not found"}) if found is None else Answer(200, found)
            case _:
                return self._refuse(501, f"{operation.method} {operation.path} is not something that was expected")
