"""The account page and what it changes: name, address, language and currency."""

from contextlib import suppress
from typing import Literal

from aiohttp import web
from pydantic import Field

from services.auth.accounts.change import ask_email_change, change_name, confirm_email_change, prefer_language
from services.auth.accounts.views import EmailChoice, EmailConfirmation, NameChoice
from services.auth.pages.forms import HOME, LinkQuery, safe_here, see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.refusals import NoSession
from services.auth.sessions.confirmation import recent_session
from services.auth.sessions.devices import Profile, show_profile
from services.auth.sessions.views import PreferenceChoice
from shared.errors import DomainError
from shared.http.context import identity_of, who
from shared.http.intake import parse_form, read_form, read_query
from shared.http.preferences import CURRENCIES, LANGUAGE_NAMES, Preferences, read_preferences
from shared.http.routes import RequestModel

_EMAIL, _NAME, _PREFERENCES = f"{HOME}/email", f"{HOME}/name", f"{HOME}/preferences"


class LanguageForm(RequestModel):
    """One of the buttons at the foot of each page, and where it was pressed."""

    language: Literal["en", "ja", "de"]
    next: str = Field(default="", max_length=2000)


def account_pages(frame: Frame) -> list[web.RouteDef]:
    """For those who are logged in; the link in a mail also for others."""
    return [
        frame.get(HOME, _account),
        frame.get(_NAME, _name),
        frame.post(_NAME, _rename, back=_NAME),
        frame.get(_EMAIL, _email),
        frame.post(_EMAIL, _move, back=_EMAIL),
        frame.get("/email/confirm", _confirmation),
        frame.post("/email/confirm", _confirm, back=HOME),
        frame.get(_PREFERENCES, _preferences),
        frame.post(_PREFERENCES, _prefer, back=_PREFERENCES),
        frame.post(f"{HOME}/language", _speak, back="/"),
    ]


async def _profile(frame: Frame, request: web.Request) -> Profile:
    return await show_profile(frame.deps, who(request))


async def _account(frame: Frame, request: web.Request) -> web.Response:
    profile = await _profile(frame, request)
    more = {"contact": profile.contact, "has_factor": profile.account.factors.any}
    return frame.show(request, Shown("account.html", "account", more=more))


async def _name(frame: Frame, request: web.Request) -> web.Response:
    name = (await _profile(frame, request)).contact.name
    return frame.show(request, Shown("name.html", "name", values={"name": name}))


async def _rename(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        await change_name(frame.deps, who(request), form.parse(NameChoice).name)
    except DomainError as refusal:
        return frame.again(request, Shown("name.html", "name", values=form.shown), refusal)
    return see_other(frame.deps.settings, f"{HOME}?done=name-changed")


async def _email_page(frame: Frame, request: web.Request, values: dict[str, str]) -> Shown:
    email = (await _profile(frame, request)).contact.email
    return Shown("email.html", "email", values=values, more={"email": email})


async def _email(frame: Frame, request: web.Request) -> web.Response:
    await recent_session(frame.deps, who(request))
    return frame.show(request, await _email_page(frame, request, {}))


async def _move(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        await ask_email_change(frame.deps, who(request), form.parse(EmailChoice).email)
    except DomainError as refusal:
        return frame.again(request, await _email_page(frame, request, form.shown), refusal)
    words = frame.words(request)
    told = frame.telling("email", "sent_title", words["email"]["sent"], link=HOME, link_text=words["common"]["back"])
    return frame.show(request, told, 202)


async def _confirmation(frame: Frame, request: web.Request) -> web.Response:
    """Changes nothing: mail scanners follow links."""
    more = {"token": read_query(request, LinkQuery).t}
    return frame.show(request, Shown("email_confirm.html", "email", "confirm_title", more=more))


async def _confirm(frame: Frame, request: web.Request) -> web.Response:
    words = frame.words(request)
    link, text = (HOME, words["common"]["back"]) if identity_of(request) else ("/login", words["common"]["log_in"])
    try:
        changed = await confirm_email_change(frame.deps, (await parse_form(request, EmailConfirmation)).token)
    except DomainError as refusal:
        return frame.again(request, frame.telling("email", "failed_title", link=link, link_text=text), refusal)
    state = "changed" if changed else "waiting"
    told = frame.telling("email", f"{state}_title", words["email"][state], link=link, link_text=text)
    return frame.show(request, told)


async def _preferences(frame: Frame, request: web.Request) -> web.Response:
    who(request)
    more = {"languages": LANGUAGE_NAMES, "currencies": CURRENCIES}
    return frame.show(request, Shown("preferences.html", "preferences", more=more))


async def _prefer(frame: Frame, request: web.Request) -> web.Response:
    posted = await parse_form(request, PreferenceChoice)
    await prefer_language(frame.deps, who(request), posted.language)
    cookie = Preferences(posted.language, posted.currency).cookie()
    return see_other(frame.deps.settings, f"{_PREFERENCES}?done=kept", [cookie])


async def _speak(frame: Frame, request: web.Request) -> web.Response:
    """Also for guests. The currency stays."""
    settings = frame.deps.settings
    posted = await parse_form(request, LanguageForm)
    if identity_of(request) is not None:
        with suppress(NoSession):  # then it is this browser's choice alone
            await prefer_language(frame.deps, who(request), posted.language)
    cookie = Preferences(posted.language, read_preferences(request, settings).currency).cookie()
    return see_other(settings, safe_here(posted.next), [cookie])
