"""What warranty's pages share beside what all pages do: who asks, by account or by a guest's link."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from services.warranty.deps import Deps
from services.warranty.holders import Holder, holder_of
from services.warranty.pages import words
from services.warranty.records.routes import LinkQuery
from shared.http.context import identity_of
from shared.http.explain import Words
from shared.http.frame import PageFrame
from shared.http.intake import read_query


class AnyQuery(LinkQuery):
    """What the address of a page may have beside a guest's link."""

    purchase: Annotated[str, Field(max_length=200)] = ""
    cursor: Annotated[str, Field(max_length=400)] = ""
    done: Annotated[str, Field(max_length=40)] = ""


@dataclass(frozen=True, slots=True)
class Frame(PageFrame):
    """The service's pages, as its handlers see them."""

    deps: Deps

    def words_of(self, language: str) -> Words:
        """See `PageFrame.words_of`."""
        return words.words_of(language)

    async def holder(self, request: web.Request) -> Holder:
        """Who asks: as `holder_of`."""
        query = read_query(request, AnyQuery)
        return await holder_of(self.deps, identity_of(request), order_id=query.order, token=query.t)

    def always(self, request: web.Request, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """`link` keeps a guest's link in the addresses of the other pages."""
        return {"link": link_of(request)}


def link_of(request: web.Request) -> str:
    """The query of a guest's link, "" where there is none."""
    if "order" not in request.query:
        return ""
    query = read_query(request, AnyQuery)
    return "?" + urlencode({"order": query.order, "t": query.t}) if query.order else ""
