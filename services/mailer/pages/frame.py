"""What the marketing desk's pages share: who may see them, how one is shown, and where a refusal leads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from services.mailer.campaigns.routes import MARKETING
from services.mailer.deps import Deps
from services.mailer.pages.words import words_of
from shared.errors import DomainError
from shared.http.context import Unauthenticated, identity_of
from shared.http.explain import Words, faults_of, sentence_of
from shared.http.pages import Pages
from shared.http.problems import refusal_headers, status_of
from shared.http.routes import RequestModel

PATH = "/desk/newsletter"


class Seen(RequestModel):
    """The version that a form's page has shown; nothing is done to another one."""

    version: Annotated[str, Field(max_length=40)] = "*"


@dataclass(frozen=True, slots=True)
class Frame:
    """The desk's pages, as its handlers see them."""

    deps: Deps
    rendered: Pages

    def get(self, path: str, handler: "Handler") -> web.RouteDef:
        """A page for marketing."""
        return web.get(path, partial(_lead, self, handler))

    def post(self, path: str, handler: "Handler") -> web.RouteDef:
        """What a form does, for marketing."""
        return web.post(path, partial(_lead, self, handler))

    def words(self, request: web.Request) -> Words:
        """In the visitor's language."""
        return words_of(self.rendered.language_of(request))

    def show(self, request: web.Request, template: str, title: str, status: int = 200, **context: Any) -> web.Response:
        """A page under its title."""
        words = self.words(request)
        given = {
            "t": words, "title": title, "problem": "", "errors": {}, "faults": {}, "values": {}, "desk": PATH,
            "done": words["done"].get(request.query.get("done", ""), ""),
        }  # fmt: skip
        return self.rendered.render(request, template, status, **(given | context))

    def refused(self, request: web.Request, refusal: DomainError) -> dict[str, Any]:
        """What a page needs to say what was refused."""
        words = self.words(request)
        errors = faults_of(words, refusal)
        problem = words["common"]["see_fields"] if errors else sentence_of(words, refusal)
        return {"problem": problem, "errors": errors, "faults": errors, "done": ""}


Handler = Callable[[Frame, web.Request], Awaitable[web.StreamResponse]]


async def _lead(frame: Frame, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Guests go to the login and come back afterwards; what is refused is told in the visitor's language."""
    try:
        MARKETING.check(identity_of(request))
        return await handler(frame, request)
    except Unauthenticated:
        back = request.path if request.method == "GET" else request.path.rpartition("/")[0]
        raise web.HTTPSeeOther(f"/login?next={quote(back)}") from None
    except DomainError as refusal:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        words = frame.words(request)
        told = sentence_of(words, refusal)
        response = frame.show(request, "desk_told.html", words["common"]["refused"], status_of(refusal), told=told)
        response.headers.update(refusal_headers(refusal))
        return response
