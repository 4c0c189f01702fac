"""Saved addresses over HTTP: for whoever has parcels sent to more than one place."""

from collections.abc import Sequence
from functools import partial

from services.orders.deps import Deps
from services.orders.persons import ShippingAddress
from services.orders.profile.domain import (
    AddressNotFound,
    LastAddress,
    ProfileNotFound,
    SavedAddress,
    TooManyAddresses,
)
from services.orders.profile.usecases import add_address, change_address, find_profile, remove_address
from services.orders.profile.views import ShippingView, shipping_view
from shared.http.context import FreshLoginRequired
from shared.http.routes import SIGNED_IN, Answer, Call, RequestModel, ResponseModel, Route
from shared.personal import PersonErased

PATH = "/api/orders/profile/addresses"
_ONE = f"{PATH}/{{id}}"


class AddressRequest(RequestModel):
    """Where to, and whether checkout shall fill it in by itself."""

    shipping: ShippingAddress
    is_default: bool = False


class AddressView(ResponseModel):
    """One of your addresses."""

    id: str
    shipping: ShippingView
    is_default: bool


class AddressList(ResponseModel):
    """All of your addresses, the default first; ten at the most."""

    items: tuple[AddressView, ...]


def routes(deps: Deps) -> Sequence[Route]:
    """The addresses' part of the contract."""
    refusals = [ProfileNotFound, FreshLoginRequired, PersonErased]
    return [
        Route("GET", PATH, partial(_list, deps), "Your addresses", answers={200: AddressList}, access=SIGNED_IN,
              problems=refusals),
        Route("POST", PATH, partial(_add, deps), "One more address", body=AddressRequest, answers={201: AddressView},
              access=SIGNED_IN, problems=[*refusals, TooManyAddresses]),
        Route("PUT", _ONE, partial(_change, deps), "Change an address, or make it the default", body=AddressRequest,
              access=SIGNED_IN, problems=[*refusals, AddressNotFound]),
        Route("DELETE", _ONE, partial(_remove, deps), "Forget an address", access=SIGNED_IN,
              problems=[*refusals, AddressNotFound, LastAddress]),
    ]  # fmt: skip


async def _list(deps: Deps, call: Call[None, None]) -> Answer:
    profile = await find_profile(deps, call.who)
    if profile is None:
        raise ProfileNotFound
    views = (_view(each, is_default=each.id == profile.shipping_id) for each in profile.addresses)
    return Answer(200, AddressList(items=tuple(views)))


async def _add(deps: Deps, call: Call[AddressRequest, None]) -> Answer:
    is_default = call.body.is_default
    added = await add_address(deps, call.who, call.body.shipping, is_default=is_default)
    return Answer(201, _view(added, is_default=is_default), headers={"Location": f"{PATH}/{added.id}"})


async def _change(deps: Deps, call: Call[AddressRequest, None]) -> Answer:
    await change_address(deps, call.who, call.path("id"), call.body.shipping, is_default=call.body.is_default)
    return Answer(204)


async def _remove(deps: Deps, call: Call[None, None]) -> Answer:
    await remove_address(deps, call.who, call.path("id"))
    return Answer(204)


def _view(address: SavedAddress, *, is_default: bool) -> AddressView:
    return AddressView(id=address.id, shipping=shipping_view(address.shipping), is_default=is_default)
