"""The profile over HTTP: what an account keeps for prefilling, and its owner alone sees."""

from collections.abc import Sequence
from functools import partial

from services.orders.deps import Deps
from services.orders.profile import addresses
from services.orders.profile.domain import Profile, ProfileNotFound
from services.orders.profile.usecases import find_profile, forget_profile, keep_profile
from services.orders.profile.views import ShippingView, shipping_view
from shared.http.context import FreshLoginRequired
from shared.http.routes import SIGNED_IN, Answer, Call, ResponseModel, Route
from shared.personal import PersonErased

PATH = "/api/orders/profile"


class ProfileView(ResponseModel):
    """What checkout fills in by itself."""

    name: str
    shipping: ShippingView


def routes(deps: Deps) -> Sequence[Route]:
    """The profile's part of the contract."""
    return [
        Route("GET", PATH, partial(_get, deps), "Your profile, used only to speed up your shopping",
              answers={200: ProfileView}, access=SIGNED_IN,
              problems=[ProfileNotFound, FreshLoginRequired, PersonErased]),
        Route("PUT", PATH, partial(_put, deps), "Keep a profile", body=Profile,
              answers={204: None}, access=SIGNED_IN, problems=[FreshLoginRequired, PersonErased]),
        Route("DELETE", PATH, partial(_delete, deps), "Forget your profile", answers={204: None}, access=SIGNED_IN),
        *addresses.routes(deps),
    ]  # fmt: skip


async def _get(deps: Deps, call: Call[None, None]) -> Answer:
    profile = await find_profile(deps, call.who)
    if profile is None:
        raise ProfileNotFound
    return Answer(200, ProfileView(name=profile.name, shipping=shipping_view(profile.shipping)))


async def _put(deps: Deps, call: Call[Profile, None]) -> Answer:
    await keep_profile(deps, call.who, call.body)
    return Answer(204)


async def _delete(deps: Deps, call: Call[None, None]) -> Answer:
    await forget_profile(deps, call.who)
    return Answer(204)
