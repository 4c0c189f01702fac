"""Lists by cursor (RFC 8288 `Link: rel="next"`): the cursor is the last item's key, opaque to everybody else."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import Field

from shared import base64url
from shared.errors import FieldError, InvalidInput
from shared.http.routes import RequestModel

ItemT = TypeVar("ItemT")


class PageQuery(RequestModel):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=400)] = ""

    @property
    def behind(self) -> str:
        """The key of the last item of the page before; "" for the first page.

        Raises:
            InvalidInput: we never wrote that cursor.
        """
        try:
            return base64url.decode(self.cursor).decode("ascii")
        except ValueError:
            raise unknown_cursor() from None


def unknown_cursor() -> InvalidInput:
    """We never wrote that cursor."""
    return InvalidInput(fields=[FieldError("cursor", "unknown-cursor", "not a cursor of this list")])


def cut(items: Sequence[ItemT], query: PageQuery) -> tuple[Sequence[ItemT], bool]:
    """The page, and whether there is a next one; `items` were read with `limit` + 1."""
    return items[: query.limit], len(items) > query.limit


def next_link(path: str, query: PageQuery, last_key: str, *, also: str = "") -> dict[str, str]:
    """The header that leads on from `last_key`; `also` is what else was asked, encoded as a query."""
    return {"Link": f'<{next_address(path, query, last_key, also=also)}>; rel="next"'}


def next_address(path: str, query: PageQuery, last_key: str, *, also: str = "") -> str:
    """The page that leads on from `last_key`, as `next_link`."""
    cursor = base64url.encode(last_key.encode())
    return f"{path}?limit={query.limit}&cursor={cursor}{also and f'&{also}'}"
