"""One's saved addresses: seen, added, changed, made the one that checkout fills in, and forgotten, one or all."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from services.orders.checkout.shipping import countries
from services.orders.pages.addresses import postal_lines
from services.orders.pages.frame import Frame
from services.orders.pages.prices import country_near
from services.orders.persons import ShippingAddress
from services.orders.profile.addresses import AddressRequest
from services.orders.profile.domain import MOST_ADDRESSES, AddressNotFound, KeptProfile, Profile, SavedAddress
from services.orders.profile.usecases import (
    add_address,
    change_address,
    find_profile,
    forget_profile,
    keep_profile,
    remove_address,
    rename_profile,
)
from shared.addresses import PersonName
from shared.errors import DomainError
from shared.http.context import who
from shared.http.intake import Form, read_form
from shared.http.problems import status_of
from shared.http.routes import RequestModel

PATH = "/orders/addresses"
_GROUP = "shipping."


class Named(RequestModel):
    """To whom parcels are sent."""

    name: PersonName


def address_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For those who are logged in and have given their password. Fixed paths: they come before `/orders/{id}`."""
    return [
        frame.get(PATH, _list),
        frame.get(f"{PATH}/new", _new),
        frame.post(f"{PATH}/new", _add),
        frame.post(f"{PATH}/name", _rename),
        frame.post(f"{PATH}/removal", _forget),
        frame.get(f"{PATH}/{{id}}", _one),
        frame.post(f"{PATH}/{{id}}", _change),
        frame.post(f"{PATH}/{{id}}/default", _prefer),
        frame.post(f"{PATH}/{{id}}/removal", _remove),
    ]


async def _list(frame: Frame, request: web.Request) -> web.Response:
    profile = await find_profile(frame.deps, who(request))
    return _listed(frame, request, profile)


def _listed(
    frame: Frame, request: web.Request, profile: KeptProfile | None, status: int = 200, **more: Any
) -> web.Response:
    language = frame.rendered.language_of(request)
    saved = profile.addresses if profile else ()
    context = {
        "saved": [(each.id, postal_lines(each.shipping, language)) for each in saved],
        "is_full": len(saved) >= MOST_ADDRESSES,
        "values": {"name": profile.name if profile else ""},
    } | more
    return frame.show(request, "addresses.html", frame.words(request)["addresses"]["title"], status, **context)


async def _new(frame: Frame, request: web.Request) -> web.Response:
    profile = await find_profile(frame.deps, who(request))
    country = country_near("", frame.preferences(request).language)
    return _form(frame, request, "new", {f"{_GROUP}country": country}, needs_name=profile is None)


async def _add(frame: Frame, request: web.Request) -> web.Response:
    """With the name, where it is the first."""
    me, form = who(request), await read_form(request)
    is_first = await find_profile(frame.deps, me) is None

    async def add() -> None:
        if is_first:
            await keep_profile(frame.deps, me, form.parse(Profile))
        else:
            typed = form.parse(AddressRequest)
            await add_address(frame.deps, me, typed.shipping, is_default=typed.is_default)

    return await _done(frame, request, form, add, place="new", done="address-added", needs_name=is_first)


async def _rename(frame: Frame, request: web.Request) -> web.Response:
    me, form = who(request), await read_form(request)
    try:
        await rename_profile(frame.deps, me, form.parse(Named).name)
    except DomainError as refusal:
        told = frame.refused(request, refusal, labels={"name": frame.words(request)["addresses"]["name"]})
        profile = await find_profile(frame.deps, me)
        return _listed(frame, request, profile, status_of(refusal), values=form.shown, **told)
    raise web.HTTPSeeOther(f"{PATH}?done=address-changed")


async def _one(frame: Frame, request: web.Request) -> web.Response:
    saved, is_default = await _saved(frame, request)
    values = {f"{_GROUP}{name}": text for name, text in saved.shipping.model_dump(exclude_none=True).items()}
    return _form(frame, request, saved.id, values, is_default=is_default)


async def _change(frame: Frame, request: web.Request) -> web.Response:
    me, form = who(request), await read_form(request)
    saved, is_default = await _saved(frame, request)

    async def change() -> None:
        typed = form.parse(AddressRequest)
        await change_address(frame.deps, me, saved.id, typed.shipping, is_default=typed.is_default)

    return await _done(frame, request, form, change, place=saved.id, done="address-changed", is_default=is_default)


async def _prefer(frame: Frame, request: web.Request) -> web.Response:
    saved, _ = await _saved(frame, request)
    await change_address(frame.deps, who(request), saved.id, saved.shipping, is_default=True)
    raise web.HTTPSeeOther(f"{PATH}?done=address-default")


async def _remove(frame: Frame, request: web.Request) -> web.Response:
    await remove_address(frame.deps, who(request), request.match_info["id"])
    raise web.HTTPSeeOther(f"{PATH}?done=address-removed")


async def _forget(frame: Frame, request: web.Request) -> web.Response:
    await forget_profile(frame.deps, who(request))
    raise web.HTTPSeeOther(f"{PATH}?done=addresses-forgotten")


async def _saved(frame: Frame, request: web.Request) -> tuple[SavedAddress, bool]:
    """The address of the path, and whether checkout fills it in."""
    profile = await find_profile(frame.deps, who(request))
    found = [each for each in profile.addresses if each.id == request.match_info["id"]] if profile else []
    if profile is None or not found:
        raise AddressNotFound
    return found[0], found[0].id == profile.shipping_id


async def _done(
    frame: Frame,
    request: web.Request,
    form: Form,
    do: Callable[[], Awaitable[None]],
    *,
    place: str,
    done: str,
    **more: Any,
) -> web.Response:
    """Back to the list; or the form again, with what was wrong beside its field."""
    try:
        await do()
    except DomainError as refusal:
        told = frame.refused(request, refusal, labels=_labels(frame, request))
        return _form(frame, request, place, form.shown, status_of(refusal), **told, **more)
    raise web.HTTPSeeOther(f"{PATH}?done={done}")


def _form(
    frame: Frame, request: web.Request, place: str, values: Mapping[str, str], status: int = 200, **more: Any
) -> web.Response:
    context = {"needs_name": False, "is_default": False} | more
    title = frame.words(request)["addresses"]["add" if place == "new" else "change"]
    named = countries(frame.rendered.language_of(request))
    return frame.show(
        request, "address.html", title, status, action=f"{PATH}/{place}", values=values, countries=named, **context
    )


def _labels(frame: Frame, request: web.Request) -> Mapping[str, str]:
    words = frame.words(request)
    fields = {f"{_GROUP}{name}": words["checkout"][f"shipping_{name}"] for name in ShippingAddress.model_fields}
    return fields | {"name": words["addresses"]["name"]}
