"""The password again, or a passkey, before what must not be done by whoever merely finds a browser open (P4)."""

from aiohttp import web
from pydantic import Field

from services.auth.factors.check import Given, ways_of
from services.auth.factors.views import ConfirmationRequest
from services.auth.pages.forms import NextQuery, safe_next, see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.pages.login import read_assertion
from services.auth.refusals import SecondFactorRequired, WrongSecondFactor
from services.auth.sessions.confirmation import Confirmation, confirm
from services.auth.sessions.devices import show_profile
from shared.errors import DomainError
from shared.http.client import network_of
from shared.http.context import who
from shared.http.intake import Form, read_form, read_query


class ConfirmForm(ConfirmationRequest):
    """The confirmation's form; `username` is there for password managers."""

    credential: str = Field(default="", max_length=20_000)
    next: str = Field(default="", max_length=2000)
    username: str = Field(default="", max_length=300)


def confirm_pages(frame: Frame) -> list[web.RouteDef]:
    """The one page."""
    return [frame.get("/confirm", _ask), frame.post("/confirm", _confirm, back="/account")]


async def _page(frame: Frame, request: web.Request, values: dict[str, str]) -> Shown:
    profile = await show_profile(frame.deps, who(request))
    factors = profile.account.factors
    return Shown(
        "confirm.html",
        "confirm",
        scripts=("passkeys.js",) if factors.passkeys else (),
        values={"next": safe_next(values.get("next", ""))},
        more={"ways": ways_of(factors), "email": profile.contact.email},
        instead={"wrong-credentials": "wrong"},
    )


async def _ask(frame: Frame, request: web.Request) -> web.Response:
    return frame.show(request, await _page(frame, request, {"next": read_query(request, NextQuery).next}))


async def _confirm(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        await confirm(frame.deps, who(request), _given(form), network=network_of(request))
    except SecondFactorRequired:
        return frame.again(request, await _page(frame, request, form.shown), SecondFactorRequired())
    except WrongSecondFactor as refusal:
        # A passkey has no field on the page: its fault would be told beside none.
        fields = [each for each in refusal.fields if each.pointer != "/passkey"]
        return frame.again(request, await _page(frame, request, form.shown), WrongSecondFactor(fields=fields))
    except DomainError as refusal:
        return frame.again(request, await _page(frame, request, form.shown), refusal)
    return see_other(frame.deps.settings, safe_next(form.values.get("next", "")))


def _given(form: Form) -> Confirmation:
    posted = form.parse(ConfirmForm)
    assertion = read_assertion(posted.credential) if posted.credential else None
    return Confirmation(posted.password, Given(posted.otp, posted.recovery_code, assertion))
