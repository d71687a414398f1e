"""Reads what was typed into a form: no more of it than any form here sends, whoever it comes from."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

LARGEST_FORM = 1 << 20
MOST_FIELDS = 1000


async def read_fields(request: Request, most: int = MOST_FIELDS) -> dict[str, str]:
    """The fields of a form, without files; of a name that comes twice the last. Raises `HTTPException` with 400, or with 413 where the form
    is too large: it is held in memory before anybody asks who has sent it.
    """
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > LARGEST_FORM:
            raise HTTPException(413, f"A form has at most {LARGEST_FORM} bytes.", {"connection": "close"})
        return message

    form = await Request(request.scope, receive).form(max_files=0, max_fields=most)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
