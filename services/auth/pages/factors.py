"""Second factors: an authenticator with its picture, recovery codes shown once, passkeys."""

import json
from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import Field

from services.auth.factors import authenticator, passkeys
from services.auth.factors.credentials import Attestation
from services.auth.factors.overview import overview
from services.auth.factors.recovery import make_codes
from services.auth.factors.views import OfferProof
from services.auth.pages.forms import see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.refusals import PasskeyRefused
from services.auth.sessions.confirmation import recent_session
from shared.addresses import PersonName
from shared.errors import DomainError, InvalidInput
from shared.http.context import who
from shared.http.intake import parse_form, read_form
from shared.http.routes import RequestModel

_HERE = "/account/factors"
_PROVE = Shown("authenticator.html", "factors", "scan_title", more={"offer": None})


class PasskeyForm(RequestModel):
    """A name, and what the page's script got from the browser, as JSON."""

    name: PersonName
    credential: str = Field(default="", max_length=40_000)


class PasskeyChoice(RequestModel):
    """Which passkey to remove."""

    id: str = Field(min_length=1, max_length=2000)


def factor_pages(frame: Frame) -> list[web.RouteDef]:
    """All of them ask for a login of the last 15 minutes."""
    return [
        frame.get(_HERE, _overview),
        frame.post(f"{_HERE}/authenticator", _offer, back=_HERE),
        frame.post(f"{_HERE}/authenticator/prove", _prove, back=_HERE),
        frame.post(f"{_HERE}/authenticator/remove", _remove, back=_HERE),
        frame.post(f"{_HERE}/codes", _make_codes, back=_HERE),
        frame.post(f"{_HERE}/passkeys", _add_passkey, back=_HERE),
        frame.post(f"{_HERE}/passkeys/remove", _remove_passkey, back=_HERE),
    ]


async def _page(frame: Frame, request: web.Request, values: dict[str, str]) -> Shown:
    view = await overview(frame.deps, who(request))
    return Shown("factors.html", "factors", scripts=("passkeys.js",), values=values, more={"factors": view})


async def _overview(frame: Frame, request: web.Request) -> web.Response:
    await recent_session(frame.deps, who(request))
    return frame.show(request, await _page(frame, request, {}))


async def _offer(frame: Frame, request: web.Request) -> web.Response:
    offer = await authenticator.offer(frame.deps, who(request))
    return frame.show(request, _PROVE, offer=offer)


async def _prove(frame: Frame, request: web.Request) -> web.Response:
    try:
        proof = await parse_form(request, OfferProof)
        codes = await authenticator.prove(frame.deps, who(request), proof.otp)
    except InvalidInput as refusal:
        offer = await authenticator.show_offer(frame.deps, who(request))
        return frame.again(request, replace(_PROVE, more={"offer": offer}), refusal)
    return _codes(frame, request, codes)


def _codes(frame: Frame, request: web.Request, codes: list[str]) -> web.Response:
    return frame.show(request, Shown("codes.html", "factors", "codes_title", more={"codes": codes}))


async def _remove(frame: Frame, request: web.Request) -> web.Response:
    await authenticator.remove(frame.deps, who(request))
    return see_other(frame.deps.settings, f"{_HERE}?done=authenticator-removed")


async def _make_codes(frame: Frame, request: web.Request) -> web.Response:
    return _codes(frame, request, await make_codes(frame.deps, who(request)))


async def _add_passkey(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        posted = form.parse(PasskeyForm)
        credential = _attestation(posted.credential)
        added = await passkeys.add_passkey(frame.deps, who(request), credential, posted.name)
    except DomainError as refusal:
        return frame.again(request, await _page(frame, request, form.shown), refusal)
    if added.recovery_codes:
        return _codes(frame, request, added.recovery_codes)
    return see_other(frame.deps.settings, f"{_HERE}?done=passkey-added")


async def _remove_passkey(frame: Frame, request: web.Request) -> web.Response:
    posted = await parse_form(request, PasskeyChoice)
    await passkeys.remove_passkey(frame.deps, who(request), posted.id)
    return see_other(frame.deps.settings, f"{_HERE}?done=passkey-removed")


def _attestation(text: str) -> dict[str, Any]:
    try:
        return Attestation.model_validate(json.loads(text)).as_json()
    except (ValueError, RecursionError):
        raise PasskeyRefused from None
