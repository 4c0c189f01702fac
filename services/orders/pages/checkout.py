"""The checkout page: the same request as the API's, typed into a form; what is wrong stands beside its field."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from services.orders.addressforms import form_of
from services.orders.checkout.attempt import KeyUsedOtherwise, OutcomeUnknown, StillInFlight, read_key
from services.orders.checkout.place import Purchase, place_order
from services.orders.checkout.refusals import declined_fault
from services.orders.checkout.requests import CardRequest, CheckoutRequest
from services.orders.checkout.shipping import countries
from services.orders.life.domain import Order
from services.orders.life.steps import VAIN, Status
from services.orders.life.view import link_to
from services.orders.pages.basket import Basket
from services.orders.pages.frame import Frame
from services.orders.pages.prices import Bill, bill_of, country_near
from services.orders.persons import Contact, ShippingAddress
from services.orders.profile.domain import KeptProfile, Profile, SavedAddress
from services.orders.profile.usecases import find_profile, keep_for_next_time
from services.orders.quotes.domain import QuoteExpired, QuoteMismatch
from shared.errors import DomainError, InvalidInput, TransientError
from shared.http.client import network_of
from shared.http.context import FreshLoginRequired, identity_of
from shared.http.explain import Words
from shared.http.intake import Form, read_form
from shared.http.preferences import CURRENCIES
from shared.http.problems import status_of
from shared.http.routes import RequestModel

_KEY = "idempotency_key"
_KEEP = "keep"
_COUNTRY = "shipping.country"
_LINE = re.compile(r"lines\.([0-9]{1,2})(\..*)?")
_NEVER_SHOWN_AGAIN = ("card.number", "card.cvc")
_GROUPS: Mapping[str, type[RequestModel]] = {"contact": Contact, "shipping": ShippingAddress, "card": CardRequest}
_OF_THE_WHOLE = (KeyUsedOtherwise, StillInFlight, QuoteExpired, QuoteMismatch)
_HAVE_A_PLACE = frozenset({
    "currency", "newsletter", *(f"{group}.{name}" for group, model in _GROUPS.items() for name in model.model_fields)
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form: what is to be bought, what was typed, and the key of this purchase."""

    basket: Basket
    values: Mapping[str, str]
    key: str
    over: Mapping[str, Any] = field(default_factory=dict)


def checkout_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For guests and accounts."""
    return [frame.get("/checkout", _show), frame.post("/checkout", _buy)]


async def _show(frame: Frame, request: web.Request) -> web.Response:
    """The form, prefilled for those who keep a profile; to the cart, which says why, where this cannot be bought."""
    basket = await frame.basket(request)
    if not basket:
        raise web.HTTPSeeOther("/cart")
    profile = await _profile(frame, request)
    values = {} if profile is None else _filled_in(profile, request.query.get("address", ""))
    if wanted := request.query.get("country", ""):
        values[_COUNTRY] = wanted
    others = [] if profile is None else _others(profile, values)
    typed = Typed(basket, values, frame.deps.new_id(), {"addresses": others})
    bill = await _bill(frame, request, typed)
    if bill.quote is None:
        raise web.HTTPSeeOther(basket.href("/cart", country=bill.country))
    return await _form(frame, request, typed, bill=bill)


async def _buy(frame: Frame, request: web.Request) -> web.Response:
    """Buy; then the order's page, or the form again."""
    form = await read_form(request)
    key, keeps = form.values.pop(_KEY, ""), form.values.pop(_KEEP, "") == "true"
    typed = await _typed(frame, form, key)
    try:
        body = form.parse(CheckoutRequest)
        order = (await place_order(frame.deps, _purchase(frame, request, body, read_key(key)))).order
    except OutcomeUnknown as unknown:
        return _unknown(frame, request, unknown)
    except StillInFlight as refusal:
        return await _again(frame, request, typed, refusal, key=key)
    except DomainError as refusal:
        return await _again(frame, request, typed, refusal)
    if keeps and order.status not in VAIN:
        await _keep(frame, request, body)
    return await _ended(frame, request, order, typed)


async def _typed(frame: Frame, form: Form, key: str) -> Typed:
    """What may be shown again of the form: of a card neither number nor code, whatever field they stand in.

    Where one of its products is no longer there, the cart shows those that are.
    """
    shown = {name: text for name, text in form.shown.items() if name not in _NEVER_SHOWN_AGAIN}
    wanted = [
        (sku, form.values.get(f"{name.removesuffix('.sku')}.quantity", "1"))
        for name, sku in form.values.items()
        if name.startswith("lines.") and name.endswith(".sku")
    ]
    basket = Basket.read(wanted, await frame.deps.window.look())
    if not basket or len(basket.quantities) < len(wanted):
        raise web.HTTPSeeOther(basket.href("/cart"))
    return Typed(basket, shown, key)


def _purchase(frame: Frame, request: web.Request, body: CheckoutRequest, key: str) -> Purchase:
    who = identity_of(request)
    language = frame.preferences(request).language
    return Purchase(body, key, who.subject if who else "", language, network_of(request))


async def _ended(frame: Frame, request: web.Request, order: Order, typed: Typed) -> web.Response:
    if order.status is Status.DECLINED:
        declined = InvalidInput(fields=[declined_fault(order.declined_because)])
        return await _again(frame, request, typed, declined, status=402)
    raise web.HTTPSeeOther(link_to(frame.deps, order).removeprefix(frame.deps.settings.public_url))


async def _again(
    frame: Frame, request: web.Request, typed: Typed, refusal: DomainError, *, key: str = "", status: int = 0
) -> web.Response:
    """The form once more. Nothing was stored, or the key belongs to another purchase: the next try has a new key."""
    words = frame.words(request)
    told = frame.refused(request, refusal, labels=_labels(words))
    if isinstance(refusal, _OF_THE_WHOLE):
        told |= {"problem": words["refusals"][refusal.code], "errors": {}, "faults": {}}
    again = Typed(typed.basket, typed.values, key or frame.deps.new_id(), _placed(told))
    return await _form(frame, request, again, status or status_of(refusal))


def _placed(told: dict[str, Any]) -> dict[str, Any]:
    """All faults of a line stand beside the line; what has no place in the form is only told above it."""
    errors = {_place(name): sentence for name, sentence in told["errors"].items()}
    faults = {_place(name): sentence for name, sentence in told["faults"].items()}
    nowhere = [name for name in faults if not name.startswith("lines.") and name not in _HAVE_A_PLACE]
    listed = {name: f"{name}: {sentence}" if name in nowhere else sentence for name, sentence in faults.items()}
    return told | {"errors": errors, "faults": listed, "nowhere": nowhere}


def _place(name: str) -> str:
    found = _LINE.fullmatch(name)
    return f"lines.{found[1]}" if found else name


def _labels(words: Words) -> dict[str, str]:
    own = words["checkout"]
    return {name: own[name.replace(".", "_")] for name in _HAVE_A_PLACE if "." in name}


async def _bill(frame: Frame, request: web.Request, typed: Typed) -> Bill:
    """What the form shows: in the currency that it came with, else in the visitor's."""
    preferences = frame.preferences(request)
    currency = typed.values.get("currency", "")
    if currency in CURRENCIES:
        preferences = replace(preferences, currency=currency)
    country = country_near(typed.values.get(_COUNTRY, ""), preferences.language)
    return await bill_of(frame.deps, typed.basket, preferences, country, holds=True)


async def _form(
    frame: Frame, request: web.Request, typed: Typed, status: int = 200, *, bill: Bill | None = None
) -> web.Response:
    bill = bill or await _bill(frame, request, typed)
    context = {
        "basket": typed.basket,
        "bill": bill,
        "values": typed.values,
        "key": typed.key,
        "countries": countries(frame.preferences(request).language),
        "form": form_of(bill.country),
        "addresses": [],
        **typed.over,
    }
    return frame.show(request, "checkout.html", frame.words(request)["checkout"]["title"], status, **context)


def _unknown(frame: Frame, request: web.Request, unknown: OutcomeUnknown) -> web.Response:
    title = frame.words(request)["checkout"]["unknown_title"]
    page = frame.show(request, "unknown.html", title, 503, link=link_to(frame.deps, unknown.order))
    page.headers["Retry-After"] = str(unknown.retry_after_s)
    return page


async def _profile(frame: Frame, request: web.Request) -> KeptProfile | None:
    """The profile, "only to speed up your shopping"; none for a browser that was only remembered."""
    who = identity_of(request)
    try:
        return await find_profile(frame.deps, who) if who else None
    except FreshLoginRequired:
        return None


def _filled_in(profile: KeptProfile, address_id: str) -> dict[str, str]:
    """Name and the wanted address, or the default one, as they stand in the form."""
    addresses = {each.id: each.shipping for each in profile.addresses}
    address = addresses.get(address_id, profile.shipping).model_dump(exclude_none=True)
    return {"contact.name": profile.name} | {f"shipping.{name}": text for name, text in address.items()}


def _others(profile: KeptProfile, values: Mapping[str, str]) -> list[SavedAddress]:
    """The saved addresses that are not in the form."""
    return [each for each in profile.addresses if _filled_in(profile, each.id).items() - values.items()]


async def _keep(frame: Frame, request: web.Request, body: CheckoutRequest) -> None:
    """Keep name and address for the next time, where the account asked for it; the purchase stands in any case."""
    who = identity_of(request)
    if who is None:
        return
    with suppress(DomainError, TransientError):
        await keep_for_next_time(frame.deps, who, Profile(name=body.contact.name, shipping=body.shipping))
