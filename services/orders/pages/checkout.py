"""The checkout page: the same request as the API's, typed into a form; what is wrong stands beside its field."""

from collections.abc import Mapping
from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.orders.checkout.attempt import OutcomeUnknown, StillInFlight, read_key
from services.orders.checkout.place import Purchase, place_order
from services.orders.checkout.refusals import declined_fault
from services.orders.checkout.requests import MAX_QUANTITY, CardRequest, CheckoutRequest
from services.orders.checkout.shipping import countries, rates
from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.steps import Status
from services.orders.life.view import link_to
from services.orders.pages.words import WORDS
from services.orders.persons import Contact, ShippingAddress
from services.orders.profile.usecases import FreshLoginRequired, find_profile
from shared.errors import DomainError, FieldError
from shared.http.context import identity_of
from shared.http.intake import read_form, read_query
from shared.http.pages import Pages
from shared.http.preferences import CURRENCIES, Preferences, read_preferences
from shared.http.routes import RequestModel

_KEY = "idempotency_key"
_SKU = "lines.0.sku"
_NEVER_SHOWN_AGAIN = ("card.number", "card.cvc")
_GROUPS: Mapping[str, type[RequestModel]] = {"contact": Contact, "shipping": ShippingAddress, "card": CardRequest}
_HAVE_A_PLACE = frozenset({
    _SKU, "currency", "lines.0.quantity",
    *(f"{group}.{name}" for group, model in _GROUPS.items() for name in model.model_fields),
})  # fmt: skip


class CheckoutQuery(RequestModel):
    """What is to be bought."""

    sku: Annotated[str, Field(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] = 1


class CheckoutPage:
    """Shows the form, and buys what was typed into it."""

    def __init__(self, deps: Deps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages

    async def show(self, request: web.Request) -> web.Response:
        """The form, prefilled for those who keep a profile."""
        query = read_query(request, CheckoutQuery)
        chosen = {_SKU: query.sku, "lines.0.quantity": str(query.quantity)}
        return await self._form(request, chosen | await self._prefill(request), key=self._deps.new_id())

    async def buy(self, request: web.Request) -> web.Response:
        """Buy; then the order's page, or the form again."""
        form = await read_form(request)
        key = form.values.pop(_KEY, "")
        shown = {name: text for name, text in form.shown.items() if name not in _NEVER_SHOWN_AGAIN}
        shown[_SKU] = form.values.get(_SKU, "")  # chooses what is shown, and is not shown itself
        try:
            purchase = self._purchase(request, form.parse(CheckoutRequest), read_key(key))
            order = (await place_order(self._deps, purchase)).order
        except StillInFlight:
            return await self._form(request, shown, key=key, notice="in_flight", status=409)
        except OutcomeUnknown as unknown:
            return self._unknown(request, unknown)
        except DomainError as refusal:
            if not refusal.fields:
                raise
            # Nothing was stored, or the key belongs to another purchase: the next try is a new one.
            faults = [*refusal.fields]
            return await self._form(request, shown, key=self._deps.new_id(), faults=faults, status=422)
        return await self._ended(request, order, shown)

    async def _ended(self, request: web.Request, order: Order, shown: Mapping[str, str]) -> web.Response:
        if order.status is Status.DECLINED:
            fault = declined_fault(order.declined_because)
            return await self._form(request, shown, key=self._deps.new_id(), faults=[fault], status=402)
        raise web.HTTPSeeOther(link_to(self._deps, order).removeprefix(self._deps.settings.public_url))

    def _purchase(self, request: web.Request, body: CheckoutRequest, key: str) -> Purchase:
        who = identity_of(request)
        return Purchase(body, key, who.subject if who else "", self._preferences(request).language)

    async def _form(
        self,
        request: web.Request,
        values: Mapping[str, str],
        *,
        key: str,
        faults: "list[FieldError] | None" = None,
        notice: str = "",
        status: int = 200,
    ) -> web.Response:
        preferences = self._preferences(request)
        offer = (await self._deps.window.look()).get(values.get(_SKU, ""))
        wanted = values.get("currency", "")
        currency = offer.product.currency_near(wanted if wanted in CURRENCIES else preferences.currency)
        errors = _by_field(faults or [])
        return self._pages.render(
            request,
            "checkout.html",
            status=status,
            offer=offer,
            values=values,
            errors=errors,
            elsewhere={name: detail for name, detail in errors.items() if name not in _HAVE_A_PLACE},
            notice=notice or ("please_correct" if faults else ""),
            key=key,
            currency=currency,
            countries=countries(preferences.language),
            rates=rates(currency),
            most=MAX_QUANTITY,
            t=WORDS[preferences.language],
        )

    def _unknown(self, request: web.Request, unknown: OutcomeUnknown) -> web.Response:
        words = WORDS[self._preferences(request).language]
        link = link_to(self._deps, unknown.order)
        page = self._pages.render(request, "unknown.html", status=503, link=link, t=words)
        page.headers["Retry-After"] = str(unknown.retry_after_s)
        return page

    async def _prefill(self, request: web.Request) -> dict[str, str]:
        who = identity_of(request)
        try:
            profile = await find_profile(self._deps, who) if who else None
        except FreshLoginRequired:
            return {}
        if profile is None:
            return {}
        address = profile.shipping.model_dump(exclude_none=True)
        return {"contact.name": profile.name} | {f"shipping.{name}": text for name, text in address.items()}

    def _preferences(self, request: web.Request) -> Preferences:
        return read_preferences(request, self._deps.settings)


def _by_field(faults: list[FieldError]) -> dict[str, str]:
    """By the field's name in the form; the first fault of a field is the one to mend first."""
    return {fault.pointer.removeprefix("/").replace("/", "."): fault.detail for fault in reversed(faults)}
