"""What the pages of a service share: how one is shown under its title, and where a refusal leads."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from shared.errors import DomainError
from shared.http.context import FreshLoginRequired, Unauthenticated
from shared.http.explain import Words, faults_of, sentence_of
from shared.http.pages import Pages
from shared.http.problems import refusal_headers, status_of
from shared.http.routes import RequestModel


class Seen(RequestModel):
    """The version that a form's page has shown; nothing is done to another one."""

    version: Annotated[str, Field(max_length=40)] = "*"


@dataclass(frozen=True, slots=True)
class PageFrame(ABC):
    """A service's pages, as their handlers see them; each service's own frame adds what its handlers need."""

    rendered: Pages

    @abstractmethod
    def words_of(self, language: str) -> Words:
        """The words of the pages in one of the shop's languages."""

    def allow(self, request: web.Request) -> None:  # noqa: B027 - a hook
        """Let pass who may see these pages: everybody, if a service does not say otherwise.

        Raises:
            Unauthenticated, Forbidden: see there.
        """

    def always(self, request: web.Request, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """What every template of the service is given, beside its own `context`."""
        return {}

    def told(self, request: web.Request, refusal: DomainError) -> web.Response:
        """The page that says what was refused, where no form can be shown again."""
        words = self.words(request)
        told = sentence_of(words, refusal)
        return self.show(request, "told.html", words["common"]["refused"], status_of(refusal), told=told)

    def get(self, path: str, handler: "Callable[[Self, web.Request], Response]") -> web.RouteDef:
        """A page."""
        return web.get(path, partial(_lead, self, handler))

    def post(self, path: str, handler: "Callable[[Self, web.Request], Response]") -> web.RouteDef:
        """What a form does."""
        return web.post(path, partial(_lead, self, handler))

    def words(self, request: web.Request) -> Words:
        """In the visitor's language."""
        return self.words_of(self.rendered.language_of(request))

    def show(self, request: web.Request, template: str, title: str, status: int = 200, **context: Any) -> web.Response:
        """A page under its title; `?done=` names, from a closed list, what the form before it has done."""
        words = self.words(request)
        given = {
            "t": words, "title": title, "problem": "", "errors": {}, "faults": {}, "values": {},
            "done": words["done"].get(request.query.get("done", ""), ""), **self.always(request, context),
        }  # fmt: skip
        return self.rendered.render(request, template, status, **(given | context))

    def refused(self, request: web.Request, refusal: DomainError, *, labels: Mapping[str, str] = {}) -> dict[str, Any]:
        """What a page needs to say what was refused: above all else, and beside each field. `labels` by field."""
        words = self.words(request)
        errors = faults_of(words, refusal)
        problem = words["common"]["see_fields"] if errors else sentence_of(words, refusal)
        listed = {name: f"{labels[name]}: {told}" if name in labels else told for name, told in errors.items()}
        return {"problem": problem, "errors": errors, "faults": listed, "done": ""}


Response = Awaitable[web.StreamResponse]
FrameT = TypeVar("FrameT", bound=PageFrame)


async def _lead(
    frame: FrameT, handler: Callable[[FrameT, web.Request], Response], request: web.Request
) -> web.StreamResponse:
    """Guests go to the login, a session that is not recent to the confirmation, and both come back afterwards.

    What is refused is told in the visitor's language.
    """
    try:
        frame.allow(request)
        return await handler(frame, request)
    except Unauthenticated:
        raise web.HTTPSeeOther(f"/login?next={quote(_back(request))}") from None
    except FreshLoginRequired:
        raise web.HTTPSeeOther(f"/confirm?next={quote(_back(request))}") from None
    except DomainError as refusal:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        response = frame.told(request, refusal)
        response.headers.update(refusal_headers(refusal))
        return response


def _back(request: web.Request) -> str:
    """The page to come back to: of a form, the page of which it is a part."""
    return request.path if request.method == "GET" else request.path.rpartition("/")[0]
