"""What warranty's pages share: how one is shown, who asks, and where a refusal leads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from aiohttp import web
from pydantic import Field

from services.warranty.deps import Deps
from services.warranty.holders import Holder, holder_of
from services.warranty.pages.words import words_of
from services.warranty.records.routes import LinkQuery
from shared.errors import DomainError
from shared.http.context import Unauthenticated, identity_of
from shared.http.explain import Words, faults_of, sentence_of
from shared.http.intake import read_query
from shared.http.pages import Pages
from shared.http.problems import refusal_headers, status_of
from shared.http.routes import RequestModel


class Seen(RequestModel):
    """The version that a form's page has shown; nothing is done to another one."""

    version: Annotated[str, Field(max_length=40)] = "*"


class AnyQuery(LinkQuery):
    """What the address of a page may have beside a guest's link."""

    purchase: Annotated[str, Field(max_length=200)] = ""
    cursor: Annotated[str, Field(max_length=400)] = ""
    done: Annotated[str, Field(max_length=40)] = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """The service's pages, as its handlers see them."""

    deps: Deps
    rendered: Pages

    def get(self, path: str, handler: "Handler") -> web.RouteDef:
        """A page."""
        return web.get(path, partial(_lead, self, handler))

    def post(self, path: str, handler: "Handler") -> web.RouteDef:
        """What a form does."""
        return web.post(path, partial(_lead, self, handler))

    def words(self, request: web.Request) -> Words:
        """In the visitor's language."""
        return words_of(self.rendered.language_of(request))

    async def holder(self, request: web.Request) -> Holder:
        """Who asks: as `holder_of`."""
        query = read_query(request, AnyQuery)
        return await holder_of(self.deps, identity_of(request), order_id=query.order, token=query.t)

    def show(self, request: web.Request, template: str, title: str, status: int = 200, **context: Any) -> web.Response:
        """A page under its title. `link` keeps a guest's link in the addresses of the shop's other pages."""
        words = self.words(request)
        given = {
            "t": words, "title": title, "problem": "", "errors": {}, "faults": {}, "values": {},
            "link": link_of(request), "done": words["done"].get(request.query.get("done", ""), ""),
        }  # fmt: skip
        return self.rendered.render(request, template, status, **(given | context))

    def refused(self, request: web.Request, refusal: DomainError) -> dict[str, Any]:
        """What a page needs to say what was refused."""
        words = self.words(request)
        errors = faults_of(words, refusal)
        problem = words["common"]["see_fields"] if errors else sentence_of(words, refusal)
        return {"problem": problem, "errors": errors, "faults": errors, "done": ""}


Handler = Callable[[Frame, web.Request], Awaitable[web.StreamResponse]]


def link_of(request: web.Request) -> str:
    """The query of a guest's link, "" where there is none."""
    query = read_query(request, AnyQuery)
    return "?" + urlencode({"order": query.order, "t": query.t}) if query.order else ""


async def _lead(frame: Frame, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Guests go to the login and come back afterwards; what is refused is told in the visitor's language."""
    try:
        return await handler(frame, request)
    except Unauthenticated:
        back = request.path if request.method == "GET" else request.path.rpartition("/")[0]
        raise web.HTTPSeeOther(f"/login?next={quote(back)}") from None
    except DomainError as refusal:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        words = frame.words(request)
        told = sentence_of(words, refusal)
        response = frame.show(request, "told.html", words["common"]["refused"], status_of(refusal), told=told)
        response.headers.update(refusal_headers(refusal))
        return response
