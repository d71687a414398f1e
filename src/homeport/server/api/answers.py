"""What the interface answers: bodies, pages of lists with their links, conditional requests, refusals in GitHub's shape.

Source: GitHub docs, "Troubleshooting the REST API", "Using pagination in the REST API", "Best practices … conditional requests".
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from starlette.datastructures import URL
from starlette.responses import Response

Item = TypeVar("Item")

DOCUMENTATION = "https://docs.github.com/rest"
_MOST_OF_A_PAGE = 100


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler gives back. `body` None: there is none; `text`: as it is."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = {}
    text: bytes | None = None
    media_type: str = "application/json; charset=utf-8"


class Empty(msgspec.Struct, frozen=True):
    """GitHub's `empty-object`."""


class FieldError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one part of a request."""

    resource: str
    field: str
    code: str
    message: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GitHub's `basic-error`, and `validation-error` where there are `errors`."""

    message: str
    documentation_url: str
    status: str
    errors: tuple[FieldError, ...] = ()


class ApiRefusalError(Exception):
    """A request that is not carried out."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class RightsError(ApiRefusalError):
    """The same where it is about what the caller may do: it is written into the audit log."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a list that is asked for. Whatever makes no sense is taken for the default, as GitHub does."""

    per_page: int = 30
    page: int = 1

    @property
    def size(self) -> int:
        """How many at most."""
        return min(max(self.per_page, 1), _MOST_OF_A_PAGE)

    @property
    def offset(self) -> int:
        """How many come before."""
        return (max(self.page, 1) - 1) * self.size

    def cut(self, items: Sequence[Item]) -> Sequence[Item]:
        """This part of all of them."""
        return items[self.offset : self.offset + self.size]


def link_pages(address: str, page: Page, total: int) -> dict[str, str]:
    """The header that leads to the other pages; none where all is on this one."""
    last = max(1, -(-total // page.size))
    here = min(max(page.page, 1), last + 1)
    wanted: dict[str, int] = {}
    if here < last:
        wanted |= {"next": here + 1, "last": last}
    if here > 1:
        wanted |= {"first": 1, "prev": here - 1}
    url = URL(address)
    links = [f'<{url.include_query_params(page=number)}>; rel="{rel}"' for rel, number in wanted.items()]
    return {"link": ", ".join(links)} if links else {}


def answer_refusal(error: ApiRefusalError, documentation: str = DOCUMENTATION) -> Response:
    """The refusal as GitHub words it."""
    problem = Problem(
        message=error.message, documentation_url=documentation, status=str(error.status), errors=error.errors
    )
    return Response(
        msgspec.json.encode(problem), error.status, error.headers, media_type="application/json; charset=utf-8"
    )


def render(answer: Answer, if_none_match: str, *, is_conditional: bool) -> Response:
    """The response; 304 where the caller has it already."""
    if answer.text is not None:
        body = answer.text
    elif answer.body is None:
        return Response(None, answer.status, answer.headers)
    else:
        body = msgspec.json.encode(answer.body)
    headers = dict(answer.headers)
    if is_conditional:
        tag = f'"{hashlib.sha256(body).hexdigest()[:40]}"'
        headers |= {"etag": f"W/{tag}", "cache-control": "private, max-age=0, must-revalidate", "vary": "Authorization"}
        if matches(if_none_match, tag):
            return Response(None, 304, headers)
    return Response(body, answer.status, headers, media_type=answer.media_type)


def matches(if_none_match: str, tag: str) -> bool:
    """Whether an `If-None-Match` names a tag; weak and strong ones are the same here (RFC 9110, 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return tag in known or "*" in known
