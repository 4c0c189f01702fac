"""What the marketing desk's pages share beside what all pages do: who may see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from services.mailer.campaigns.routes import MARKETING
from services.mailer.deps import Deps
from services.mailer.pages import words
from shared.http.context import identity_of
from shared.http.explain import Words
from shared.http.frame import PageFrame

PATH = "/desk/newsletter"


@dataclass(frozen=True, slots=True)
class Frame(PageFrame):
    """The desk's pages, as its handlers see them."""

    deps: Deps

    def words_of(self, language: str) -> Words:
        """See `PageFrame.words_of`."""
        return words.words_of(language)

    def allow(self, request: web.Request) -> None:
        """Marketing."""
        MARKETING.check(identity_of(request))

    def always(self, request: web.Request, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where the desk is."""
        return {"desk": PATH}
