"""One's own data: take it along, have it erased, and the receipt of an erasure, which needs no account any more."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import Field

from services.auth.browser import LOGGED_OUT
from services.auth.mydata.erasure import ReceiptPart, ask_erasure, show_receipt
from services.auth.mydata.export import ask_export, fetch_archive, list_exports
from services.auth.pages.forms import LinkQuery, see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.refusals import ExportRunning, TooManyTries
from services.auth.sessions.confirmation import recent_session
from services.auth.sessions.devices import show_profile
from shared.addresses import normalise_email
from shared.errors import DomainError, FieldError, InvalidInput
from shared.http.context import who
from shared.http.cookies import set_cookies
from shared.http.explain import Words
from shared.http.intake import Form, read_form, read_query
from shared.http.routes import RequestModel

_HERE = "/account/data"


class EraseForm(RequestModel):
    """The address, typed once more."""

    confirmation: str = Field(min_length=1, max_length=300)


def my_data_pages(frame: Frame) -> list[web.RouteDef]:
    """All but the receipt ask for a login of the last 15 minutes."""
    return [
        frame.get(_HERE, _overview),
        frame.post(f"{_HERE}/export", _export, back=_HERE),
        web.get(f"{_HERE}/exports/{{id}}", frame.led(_fetch, back=_HERE)),
        frame.post(f"{_HERE}/erase", _erase, back=_HERE),
        frame.get("/erased", _receipt),
    ]


async def _page(frame: Frame, request: web.Request) -> Shown:
    return Shown("data.html", "data", more={"exports": await list_exports(frame.deps, who(request))})


async def _overview(frame: Frame, request: web.Request) -> web.Response:
    await recent_session(frame.deps, who(request))
    return frame.show(request, await _page(frame, request))


async def _export(frame: Frame, request: web.Request) -> web.Response:
    try:
        await ask_export(frame.deps, who(request))
    except (ExportRunning, TooManyTries) as refusal:
        return frame.again(request, await _page(frame, request), refusal)
    return see_other(frame.deps.settings, f"{_HERE}?done=export-asked")


async def _fetch(frame: Frame, request: web.Request) -> web.Response:
    archive = await fetch_archive(frame.deps, who(request), request.match_info["id"][:100])
    name = f"{frame.deps.settings.site_name}-data.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=archive, content_type="application/zip", headers=headers)


async def _erase(frame: Frame, request: web.Request) -> web.Response:
    await recent_session(frame.deps, who(request))
    form = await read_form(request)
    try:
        await _check_confirmation(frame, request, form)
    except DomainError as refusal:
        return frame.again(request, await _page(frame, request), refusal)
    receipt = await ask_erasure(frame.deps, who(request))
    more = {"begun": True, "link": f"/erased?t={receipt.token}", "receipt": receipt, "parts": []}
    response = frame.show(request, Shown("erased.html", "erased", "begun_title", more=more), 202)
    set_cookies(response, frame.deps.settings, *LOGGED_OUT)
    return response


async def _check_confirmation(frame: Frame, request: web.Request, form: Form) -> None:
    typed = form.parse(EraseForm).confirmation
    email = (await show_profile(frame.deps, who(request))).contact.email
    if typed.strip().casefold() != normalise_email(email):
        raise InvalidInput(fields=[FieldError("/confirmation", "erase-mismatch", "is not the account's address")])


async def _receipt(frame: Frame, request: web.Request) -> web.Response:
    token = read_query(request, LinkQuery).t
    receipt = await show_receipt(frame.deps, token)
    more = {
        "begun": False,
        "receipt": receipt,
        "link": f"/erased?t={token}",
        "parts": [_part(frame.words(request), name, part) for name, part in receipt.services.items()],
    }
    return frame.show(request, Shown("erased.html", "erased", more=more))


def _part(words: Words, name: str, part: ReceiptPart) -> Mapping[str, Any]:
    """One service's lines, in words."""
    what, why = words["things"], words["reasons"]
    return {
        "name": name,
        "done": part.status == "erased",
        "erased": [{"what": what.get(each.what, what["other"]), "count": each.count} for each in part.erased],
        "kept": [
            {
                "what": what.get(each.what, what["other"]),
                "why": why.get(each.why, why["other"]),
                "count": each.count,
            }
            for each in part.kept
        ],
    }
