"""What the shop's pages share: how one is shown, and where a refusal leads."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from aiohttp import web

from services.orders.deps import Deps
from services.orders.pages.basket import Basket
from services.orders.pages.words import words_of
from services.orders.profile.domain import FreshLoginRequired
from shared.errors import DomainError
from shared.http.context import Unauthenticated, identity_of
from shared.http.explain import Words, faults_of, sentence_of
from shared.http.pages import Pages
from shared.http.preferences import Preferences, read_preferences
from shared.http.problems import refusal_headers, status_of


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

    def preferences(self, request: web.Request) -> Preferences:
        """The visitor's language and currency."""
        return read_preferences(request, self.deps.settings)

    async def basket(self, request: web.Request) -> Basket:
        """The cart in the page's address."""
        return Basket.read(request.query.items(), await self.deps.window.look())

    def show(self, request: web.Request, template: str, title: str, status: int = 200, **context: Any) -> web.Response:
        """A page under its title; `basket`, where there is one, stays in the links to the shop's other pages."""
        words = self.words(request)
        basket = context.get("basket", Basket({}))
        given = {
            "t": words, "title": title, "problem": "", "errors": {}, "faults": {}, "values": {}, "basket": basket,
            "home": basket.href("/"), "sells_in_eu": self.deps.settings.sells_in_eu,
            "done": words["done"].get(request.query.get("done", ""), ""),
        }  # fmt: skip
        return self.rendered.render(request, template, status, **(given | context))

    def refused(self, request: web.Request, refusal: DomainError, *, labels: Mapping[str, str] = {}) -> dict[str, Any]:
        """What a page needs to say what was refused: above all else, and beside each field. `labels` by field."""
        words = self.words(request)
        errors = faults_of(words, refusal)
        problem = words["common"]["see_fields"] if errors else sentence_of(words, refusal)
        listed = {name: f"{labels[name]}: {told}" if name in labels else told for name, told in errors.items()}
        return {"problem": problem, "errors": errors, "faults": listed, "done": ""}


Handler = Callable[[Frame, web.Request], Awaitable[web.StreamResponse]]


async def _lead(frame: Frame, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Guests go to the login, a session that is not recent to the confirmation, and both come back afterwards."""
    try:
        return await handler(frame, request)
    except Unauthenticated:
        raise web.HTTPSeeOther(f"/login?next={quote(_back(request))}") from None
    except FreshLoginRequired:
        raise web.HTTPSeeOther(f"/confirm?next={quote(_back(request))}") from None
    except DomainError as refusal:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        return _told(frame, request, refusal)


def _back(request: web.Request) -> str:
    """The page to come back to: of a form, the page of which it is a part."""
    return request.path if request.method == "GET" else request.path.rpartition("/")[0]


def _told(frame: Frame, request: web.Request, refusal: DomainError) -> web.Response:
    words = frame.words(request)
    titles = words["refusal_titles"]
    title = titles.get(refusal.code, titles.get(refusal.kind.value, titles["other"]))
    told = sentence_of(words, refusal)
    may_log_in = refusal.code == "order-not-found" and identity_of(request) is None
    response = frame.show(request, "told.html", title, status_of(refusal), told=told, may_log_in=may_log_in)
    response.headers.update(refusal_headers(refusal))
    return response
