"""One line of the route table: an address, what it takes, what it answers, who may call it. Routes and OpenAPI are made of it."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from homeport.server.api.answers import Answer
from homeport.server.api.call import Call, Permission

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Given = TypeVar("Given", bound=msgspec.Struct)


class Nothing(msgspec.Struct, frozen=True):
    """Neither a query nor a body."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`operation` is GitHub's own name of it (`actions/get-workflow-run`), by which its documentation is found."""

    method: Method
    path: str
    """below `/api/v3`; `{name}` for one part, `{name:path}` for the rest"""
    operation: str
    summary: str
    permission: Permission | None
    """None: whoever has signed in; with `is_open` everybody"""
    is_open: bool
    handler: Callable[[Call, Any], Answer]
    given: type[msgspec.Struct]
    """the query of GET and DELETE, the body of the others"""
    answer: Any
    """the type of the body; None: there is none"""
    status: int

    @property
    def group(self) -> str:
        """The part of the documentation that it belongs to."""
        return self.operation.partition("/")[0]

    @property
    def documentation(self) -> str:
        """The page of GitHub's that describes it."""
        return f"https://docs.github.com/rest/{self.group}"


def endpoint(
    method: Method,
    path: str,
    operation: str,
    summary: str,
    handler: Callable[[Call, Given], Answer],
    given: type[Given],
    *,
    permission: Permission | None = None,
    answer: Any = None,
    status: int = 200,
    is_open: bool = False,
) -> Endpoint:
    """An endpoint whose handler takes what the request gives."""
    return Endpoint(
        method=method,
        path=path,
        operation=operation,
        summary=summary,
        permission=permission,
        is_open=is_open,
        handler=handler,
        given=given,
        answer=answer,
        status=status,
    )
