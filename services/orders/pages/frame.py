"""What the shop's pages share beside what all pages do: the cart in the address, preferences, titles of refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from services.orders.deps import Deps
from services.orders.guarantee.notice import notice_in
from services.orders.pages import words
from services.orders.pages.basket import Basket
from shared.errors import DomainError
from shared.http.context import identity_of
from shared.http.explain import Words, sentence_of
from shared.http.frame import PageFrame
from shared.http.preferences import Preferences, read_preferences
from shared.http.problems import status_of


@dataclass(frozen=True, slots=True)
class Frame(PageFrame):
    """The service's pages, as its handlers see them."""

    deps: Deps
    drawings: Mapping[str, bytes] = field(default_factory=dict)
    """The Commission's own drawings of the notice of the legal guarantee, by language."""

    def words_of(self, language: str) -> Words:
        """See `PageFrame.words_of`."""
        return words.words_of(language)

    def preferences(self, request: web.Request) -> Preferences:
        """The visitor's language and currency."""
        return read_preferences(request, self.deps.settings)

    async def basket(self, request: web.Request) -> Basket:
        """The cart in the page's address."""
        return Basket.read(request.query.items(), await self.deps.window.look())

    def always(self, request: web.Request, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """`basket`, where a page has one, stays in the links to other pages; `notice` where it sells in the EU."""
        basket = context.get("basket", Basket({}))
        notice = notice_in(self.rendered.language_of(request)) if self.deps.settings.sells_in_eu else None
        return {"basket": basket, "home": basket.href("/"), "notice": notice, "drawn": self.drawings}

    def told(self, request: web.Request, refusal: DomainError) -> web.Response:
        """With a title of its own, and the way to the login where that may help."""
        words = self.words(request)
        titles = words["refusal_titles"]
        title = titles.get(refusal.code, titles.get(refusal.kind.value, titles["other"]))
        told = sentence_of(words, refusal)
        may_log_in = refusal.code == "order-not-found" and identity_of(request) is None
        return self.show(request, "told.html", title, status_of(refusal), told=told, may_log_in=may_log_in)
