"""The catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from villa_backend_sdk.models import Page, Product
from villa_backend_sdk.transport import Request, Transport, call


class Products:
    """Looking at what a branch sells; nobody needs to be signed in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, sku: str) -> Product:
        """One product; ``NotFound`` where there is none of that sku."""
        request = Request("GET", f"/v1/products/{quote(sku, safe='')}", idempotent=True)
        return Product.from_json(call(self._transport, request))

    def page(
        self, branch: str | None = None, search: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Product]:
        """One page of the catalogue."""
        wanted = {"branch": branch, "search": search, "limit": str(limit), "cursor": cursor}
        query = {name: value for name, value in wanted.items() if value is not None}
        answer = call(self._transport, Request("GET", "/v1/products", query=query, idempotent=True))
        products = tuple(Product.from_json(item) for item in answer.items("items"))
        return Page(products, answer.optional_text("next_cursor"))

    def all(self, branch: str | None = None, search: str | None = None) -> Iterator[Product]:
        """Every product, fetched page by page as the caller reads on."""
        cursor: str | None = None
        while True:
            page = self.page(branch, search, cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
