"""What auth's pages share: how one is shown, a form again with what is wrong, and where a refusal leads."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from aiohttp import web

from services.auth.accounts.rules import SHORTEST
from services.auth.deps import Deps
from services.auth.pages.explain import labelled
from services.auth.pages.forms import see_other
from services.auth.pages.words import words_of
from services.auth.refusals import NoSession
from shared.errors import DomainError
from shared.http.context import FreshLoginRequired, Unauthenticated
from shared.http.explain import Words, faults_of, sentence_of
from shared.http.pages import Pages
from shared.http.problems import refusal_headers, status_of

_LEADING = (Unauthenticated, NoSession, FreshLoginRequired)
NEVER_SHOWN_AGAIN = frozenset({"password", "current_password", "new_password", "otp", "recovery_code", "code",
                               "credential",
        "ticket", "token"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to show: its template, the section of the words that has its title, and what the template needs."""

    template: str
    section: str
    title: str = "title"
    scripts: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    """Keys of the section, by the codes of refusals that they say better."""
    shortest: int = SHORTEST


@dataclass(frozen=True, slots=True)
class Frame:
    """The service's pages, as its handlers see them."""

    deps: Deps
    rendered: Pages

    def get(self, path: str, handler: "Handler") -> web.RouteDef:
        """A page. Whoever must log in or give the password first comes back to it."""
        return web.get(path, self.led(handler, back=path))

    def post(self, path: str, handler: "Handler", *, back: str) -> web.RouteDef:
        """What a form of the page at `back` does."""
        return web.post(path, self.led(handler, back=back))

    def led(self, handler: "Handler", *, back: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that leads whoever must log in first to do so, and from there to `back`."""
        return partial(_lead, self, handler, back)

    def words(self, request: web.Request) -> Words:
        """In the visitor's language."""
        return words_of(self.rendered.language_of(request))

    def show(self, request: web.Request, page: Shown, status: int = 200, **over: Any) -> web.Response:
        """A page; `?done=` names, from a closed list, what the form before it has done."""
        words = self.words(request)
        given = {
            "t": words, "title": words[page.section][page.title], "values": page.values, "errors": {},
            "problem": "", "faults": {},
            "done": words["done"].get(request.query.get("done", ""), ""), "shortest": page.shortest,
        }  # fmt: skip
        return self.rendered.render(
            request, page.template, status, scripts=page.scripts, **(given | dict(page.more) | over)
        )

    def again(
        self, request: web.Request, page: Shown, refusal: DomainError, *, problem: str | None = None
    ) -> web.Response:
        """The form once more, with what was typed (never a secret) and what is wrong with it.

        Raises:
            NoSession, Unauthenticated, FreshLoginRequired: `refusal` is one of them, and leads elsewhere.
        """
        if isinstance(refusal, _LEADING):
            raise refusal
        words = self.words(request)
        errors = faults_of(words, refusal, shortest=page.shortest)
        instead = {code: words[page.section][key] for code, key in page.instead.items()}
        if problem is None:
            problem = words["common"]["see_fields"] if errors else sentence_of(words, refusal, instead)
        shown = {name: text for name, text in page.values.items() if name not in NEVER_SHOWN_AGAIN}
        over = {"problem": problem, "errors": errors, "faults": labelled(words, errors), "values": shown, "done": ""}
        response = self.show(request, page, status_of(refusal), **over)
        response.headers.update(refusal_headers(refusal))
        return response

    def telling(self, section: str, title: str, *told: str, link: str, link_text: str) -> Shown:
        """A page that only says something, in one or two sentences, and where to go on."""
        first, second = (*told, "", "")[:2]
        more = {"told": first, "more": second, "link": link, "link_text": link_text}
        return Shown("told.html", section, title, more=more)


Handler = Callable[[Frame, web.Request], Awaitable[web.StreamResponse]]


async def _lead(frame: Frame, handler: Handler, back: str, request: web.Request) -> web.StreamResponse:
    """Guests go to the login, a session that is not recent to the confirmation, and both come back afterwards."""
    settings = frame.deps.settings
    try:
        return await handler(frame, request)
    except (Unauthenticated, NoSession):
        return see_other(settings, f"/login?next={quote(back)}")
    except FreshLoginRequired:
        return see_other(settings, f"/confirm?next={quote(back)}")
    except DomainError as refusal:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        return _problem(frame, request, refusal, back)


def _problem(frame: Frame, request: web.Request, refusal: DomainError, back: str) -> web.Response:
    link_text = frame.words(request)["common"]["go_back"]
    return frame.again(request, frame.telling("problem", "title", link=back, link_text=link_text), refusal)
