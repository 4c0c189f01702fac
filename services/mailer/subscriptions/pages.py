"""The newsletter's pages. Only a POST changes anything: what merely looks at links, as scanners do, changes nothing."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from services.mailer.deps import Deps
from services.mailer.languages import LANGUAGES, Language
from services.mailer.subscriptions import usecases
from services.mailer.subscriptions.domain import (
    PAUSE_DAYS,
    TOPICS,
    LinkIsOver,
    NoSuchSubscriber,
    Subscription,
    SubscriptionState,
    Wishes,
)
from services.mailer.subscriptions.routes import SubscribeBody, Topics, subscribe
from shared.errors import InvalidInput
from shared.http.intake import read_body
from shared.http.pages import Pages, parse_form, read_form
from shared.http.problems import status_of
from shared.http.routes import RequestModel

UNSUBSCRIBE = "/newsletter/unsubscribe"
"""May be posted to from anywhere: mail clients do so (RFC 8058), with neither cookie nor Origin of ours."""
_TOKEN_LIMIT = 200
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ConfirmForm(RequestModel):
    """The button of the confirmation page."""

    token: str = Field(min_length=1, max_length=_TOKEN_LIMIT)


class PreferencesForm(RequestModel):
    """Topics, language, a pause in days and fewer; no topic is what unsubscribing is for."""

    topics: Topics
    language: Language
    fewer: Literal["yes"] | None = None
    pause: Literal["none", "30", "90", "180"] | None = None

    def wishes(self) -> Wishes:
        """Without a word about the pause it stays as it is."""
        days = None if self.pause is None else 0 if self.pause == "none" else int(self.pause)
        return Wishes(self.topics, self.language, self.fewer is not None, days)


def newsletter_pages(deps: Deps) -> list[web.RouteDef]:
    """All pages under /newsletter."""
    pages = Pages(deps.settings, "services.mailer", languages=LANGUAGES)
    return [
        web.get("/newsletter", partial(_form, pages)),
        web.post("/newsletter", partial(_ask, deps, pages)),
        web.get("/newsletter/confirm", partial(_confirm_button, pages)),
        web.post("/newsletter/confirm", _told(pages, partial(_confirm, deps, pages))),
        web.get(UNSUBSCRIBE, _told(pages, partial(_unsubscribe_button, deps, pages))),
        web.post(UNSUBSCRIBE, _told(pages, partial(_unsubscribe, deps, pages))),
        web.get("/newsletter/preferences", _told(pages, partial(_preferences, deps, pages))),
        web.post("/newsletter/preferences", _told(pages, partial(_prefer, deps, pages))),
    ]


async def _form(pages: Pages, request: web.Request) -> web.Response:
    return pages.render(request, "subscribe.html", values={}, errors={}, topics=TOPICS)


async def _ask(deps: Deps, pages: Pages, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        await subscribe(deps, form.parse(SubscribeBody), source="page")
    except InvalidInput as refusal:
        errors = _by_field(refusal)
        return pages.render(request, "subscribe.html", 422, values=form.shown, errors=errors, topics=TOPICS)
    return pages.render(request, "asked.html", 202)


def _told(pages: Pages, handler: Handler) -> Handler:
    """Whoever comes by a link that is cut, over or nobody's reads so; a program gets the problem."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (InvalidInput, LinkIsOver, NoSuchSubscriber) as refusal:
            if "text/html" not in request.headers.get("Accept", ""):
                raise
            is_over = isinstance(refusal, LinkIsOver)
            return pages.render(request, "bad_link.html", status_of(refusal), is_over=is_over)

    return handle


async def _confirm_button(pages: Pages, request: web.Request) -> web.Response:
    return pages.render(request, "confirm.html", token=_token_of(request))


async def _confirm(deps: Deps, pages: Pages, request: web.Request) -> web.Response:
    form = await parse_form(request, ConfirmForm)
    await usecases.confirm(deps, form.token)
    return pages.render(request, "confirmed.html")


async def _unsubscribe_button(deps: Deps, pages: Pages, request: web.Request) -> web.Response:
    token = _token_of(request)
    deps.links.read_subscriber(token)
    return pages.render(request, "unsubscribe.html", token=token)


async def _unsubscribe(deps: Deps, pages: Pages, request: web.Request) -> web.Response:
    """RFC 8058 section 3.1: the body is `List-Unsubscribe=One-Click`, in either form encoding.

    Whatever it is, a POST to this link means one thing; so the body is read, bounded, and not judged.
    """
    await read_body(request)
    await usecases.unsubscribe(deps, _token_of(request))
    return pages.render(request, "unsubscribed.html", token=_token_of(request))


async def _preferences(deps: Deps, pages: Pages, request: web.Request) -> web.Response:
    token = _token_of(request)
    subscription = await usecases.preferences(deps, token)
    if subscription.state is not SubscriptionState.CONFIRMED:
        return pages.render(request, "unsubscribed.html", token=token)
    return _preferences_page(pages, request, token, **_chosen(deps, subscription))


async def _prefer(deps: Deps, pages: Pages, request: web.Request) -> web.Response:
    token = _token_of(request)
    form = await read_form(request)
    try:
        wanted = form.parse(PreferencesForm)
    except InvalidInput as refusal:
        topics = tuple(value for name, value in form.values.items() if name.startswith("topics"))
        typed = {
            "chosen_topics": topics,
            "chosen": form.values.get("language", "en"),
            "fewer": "fewer" in form.values,
            "paused_until": None,
        }
        return _preferences_page(pages, request, token, 422, **typed, errors=_by_field(refusal))
    saved = await usecases.prefer(deps, token, wanted.wishes())
    return _preferences_page(pages, request, token, **_chosen(deps, saved), is_saved=True)


def _chosen(deps: Deps, subscription: Subscription) -> dict[str, Any]:
    return {
        "chosen_topics": subscription.topics,
        "chosen": subscription.language,
        "fewer": subscription.fewer,
        "paused_until": subscription.paused_until if subscription.is_paused(deps.clock()) else None,
    }


def _preferences_page(
    pages: Pages, request: web.Request, token: str, status: int = 200, /, **context: Any
) -> web.Response:
    given: dict[str, Any] = {
        "token": token, "topics": TOPICS, "languages": LANGUAGES, "pauses": PAUSE_DAYS, "errors": {}, "is_saved": False,
    }  # fmt: skip
    return pages.render(request, "preferences.html", status, **(given | context))


def _token_of(request: web.Request) -> str:
    return request.query.get("t", "")[: _TOKEN_LIMIT + 1]


def _by_field(refusal: InvalidInput) -> dict[str, str]:
    return {fault.pointer.lstrip("/").partition("/")[0]: fault.detail for fault in refusal.fields}
