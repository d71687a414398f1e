"""Reads forms."""

from starlette.requests import Request

_MOST_FIELDS = 200


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, without files; of a name that comes twice the last."""
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
