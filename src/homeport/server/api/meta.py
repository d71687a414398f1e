"""What is about the interface itself: its root, `/meta`, `/rate_limit`, `/versions` (docs: "REST API endpoints for meta data")."""

import msgspec

from homeport import __version__
from homeport.server.api.answers import Answer
from homeport.server.api.call import Call
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.rates import Rate

VERSION = "2022-11-28"
ROOT = {
    "current_user_url": "/user",
    "current_user_authorizations_html_url": "/settings/tokens",
    "authorizations_url": "/authorizations",
    "code_search_url": "/search/code?q={query}{&page,per_page,sort,order}",
    "commit_search_url": "/search/commits?q={query}{&page,per_page,sort,order}",
    "emails_url": "/user/emails",
    "emojis_url": "/emojis",
    "events_url": "/events",
    "feeds_url": "/feeds",
    "followers_url": "/user/followers",
    "following_url": "/user/following{/target}",
    "gists_url": "/gists{/gist_id}",
    "issue_search_url": "/search/issues?q={query}{&page,per_page,sort,order}",
    "issues_url": "/issues",
    "keys_url": "/user/keys",
    "label_search_url": "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    "notifications_url": "/notifications",
    "organization_url": "/orgs/{org}",
    "organization_repositories_url": "/orgs/{org}/repos{?type,page,per_page,sort}",
    "organization_teams_url": "/orgs/{org}/teams",
    "public_gists_url": "/gists/public",
    "rate_limit_url": "/rate_limit",
    "repository_url": "/repos/{owner}/{repo}",
    "repository_search_url": "/search/repositories?q={query}{&page,per_page,sort,order}",
    "current_user_repositories_url": "/user/repos{?type,page,per_page,sort}",
    "starred_url": "/user/starred{/owner}{/repo}",
    "starred_gists_url": "/gists/starred",
    "user_url": "/users/{user}",
    "user_organizations_url": "/user/orgs",
    "user_repositories_url": "/users/{user}/repos{?type,page,per_page,sort}",
    "user_search_url": "/search/users?q={query}{&page,per_page,sort,order}",
}


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `api-overview`, as an Enterprise Server answers it; `homeport_version` is this server's own."""

    verifiable_password_authentication: bool
    installed_version: str
    homeport_version: str


class RateShown(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `rate-limit`."""

    limit: int
    used: int
    remaining: int
    reset: int


class RateResources(msgspec.Struct, frozen=True, kw_only=True):
    """The kinds of requests that GitHub counts apart; here all count as one."""

    core: RateShown
    search: RateShown
    graphql: RateShown


class RateOverview(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `rate-limit-overview`."""

    resources: RateResources
    rate: RateShown


def get_root(call: Call, _: Nothing) -> Answer:
    """The addresses that clients begin with."""
    return Answer(body={name: call.links.api + end for name, end in ROOT.items()})


def get_meta(_call: Call, _: Nothing) -> Answer:
    """Which version of an Enterprise Server this is like: clients decide by it what they may call."""
    return Answer(
        body=Meta(verifiable_password_authentication=False, installed_version="3.14.0", homeport_version=__version__)
    )


def get_versions(_call: Call, _: Nothing) -> Answer:
    """The versions of the interface."""
    return Answer(body=(VERSION,))


def get_rate(call: Call, _: Nothing) -> Answer:
    """Where the caller stands; asking for it counts nothing."""
    shown = _show(call.rate)
    return Answer(body=RateOverview(resources=RateResources(core=shown, search=shown, graphql=shown), rate=shown))


def _show(rate: Rate) -> RateShown:
    return RateShown(limit=rate.limit, used=min(rate.used, rate.limit), remaining=rate.remaining, reset=rate.reset)


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint("GET", "/", "meta/root", "List where to begin", get_root, Nothing, answer=dict[str, str], is_open=True),
    endpoint("GET", "/meta", "meta/get", "Get what the server is", get_meta, Nothing, answer=Meta, is_open=True),
    endpoint(
        "GET",
        "/versions",
        "meta/get-all-versions",
        "List the versions of the interface",
        get_versions,
        Nothing,
        answer=tuple[str, ...],
        is_open=True,
    ),
    endpoint(
        "GET",
        "/rate_limit",
        "rate-limit/get",
        "Get how much the caller may still ask",
        get_rate,
        Nothing,
        answer=RateOverview,
        is_open=True,
    ),
)
