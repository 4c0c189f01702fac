"""Keep, show and forget a profile. A browser that was only remembered is shown none before the password is given."""

from collections.abc import Callable
from typing import TypeVar

from services.orders.deps import Deps
from services.orders.persons import ShippingAddress
from services.orders.profile.domain import KeptProfile, Profile, ProfileNotFound, SavedAddress
from services.orders.profile.store import COLLECTION, SealedProfile
from shared.errors import TransientError
from shared.http.context import FreshLoginRequired
from shared.identity import Identity
from shared.personal import Place

_TURNS = 5
ResultT = TypeVar("ResultT")


async def keep_profile(deps: Deps, who: Identity, profile: Profile) -> None:
    """Keep name and default address; other addresses stay."""
    await _change(deps, who, lambda kept: (_with_default(kept, profile), None))


async def keep_for_next_time(deps: Deps, who: Identity, bought: Profile) -> None:
    """Keep what a purchase was sent to: in a new profile, or as one more address beside those that are there.

    Raises:
        TooManyAddresses, FreshLoginRequired, PersonErased: it is not kept.
    """
    added = SavedAddress(id=deps.new_id(), shipping=bought.shipping)
    await _change(deps, who, lambda kept: (_with_bought(kept, bought, added), None))


async def find_profile(deps: Deps, who: Identity) -> KeptProfile | None:
    """The profile with all its addresses, if there is one.

    Raises:
        FreshLoginRequired: the password has to be given first.
    """
    _require_fresh(who)
    sealed = await deps.profiles.find(who.subject)
    return None if sealed is None else await _opened(deps, sealed)


async def forget_profile(deps: Deps, who: Identity) -> None:
    """Forget it; a browser that was only remembered may do that."""
    await deps.profiles.remove(who.subject)


async def rename_profile(deps: Deps, who: Identity, name: str) -> None:
    """Another name, with the same addresses.

    Raises:
        ProfileNotFound, FreshLoginRequired, PersonErased: nothing is changed.
    """
    await _change(deps, who, lambda kept: (_there(kept).model_copy(update={"name": name}), None))


async def add_address(deps: Deps, who: Identity, shipping: ShippingAddress, *, is_default: bool) -> SavedAddress:
    """One more address.

    Raises:
        ProfileNotFound: there is no profile yet, so no name to send to.
        TooManyAddresses, FreshLoginRequired, PersonErased: it is not kept.
    """
    added = SavedAddress(id=deps.new_id(), shipping=shipping)
    return await _change(deps, who, lambda kept: (_there(kept).with_added(added, is_default=is_default), added))


async def change_address(
    deps: Deps, who: Identity, address_id: str, shipping: ShippingAddress, *, is_default: bool
) -> None:
    """Another text under the same id; `is_default` makes it the one that checkout fills in.

    Raises:
        ProfileNotFound, AddressNotFound, FreshLoginRequired, PersonErased: nothing is changed.
    """
    changed = SavedAddress(id=address_id, shipping=shipping)
    await _change(deps, who, lambda kept: (_there(kept).with_changed(changed, is_default=is_default), None))


async def remove_address(deps: Deps, who: Identity, address_id: str) -> None:
    """Forget one address; where it was the default, the next one is.

    Raises:
        ProfileNotFound, AddressNotFound, LastAddress, FreshLoginRequired, PersonErased: nothing is changed.
    """
    await _change(deps, who, lambda kept: (_there(kept).without(address_id), None))


async def _change(
    deps: Deps, who: Identity, decide: Callable[[KeptProfile | None], tuple[KeptProfile, ResultT]]
) -> ResultT:
    """Read, decide, and write where nobody has written meanwhile; else again."""
    _require_fresh(who)
    person = await deps.people.person(who.subject)
    for _ in range(_TURNS):
        sealed = await deps.profiles.find(who.subject)
        kept, result = decide(None if sealed is None else await _opened(deps, sealed))
        box = person.seal_model(kept, _place(who.subject))
        revision = 0 if sealed is None else sealed.revision
        if await deps.profiles.put(SealedProfile(who.subject, box, deps.clock(), revision)):
            return result
    raise TransientError("the profile is changed elsewhere all the time")


async def _opened(deps: Deps, sealed: SealedProfile) -> KeptProfile:
    person = await deps.people.known(sealed.account_id)
    return person.open_model(KeptProfile, sealed.box, _place(sealed.account_id), purpose="prefill")


def _with_default(kept: KeptProfile | None, profile: Profile) -> KeptProfile:
    if kept is None:
        return KeptProfile(name=profile.name, shipping=profile.shipping)
    return kept.model_copy(update={"name": profile.name, "shipping": profile.shipping})


def _with_bought(kept: KeptProfile | None, bought: Profile, added: SavedAddress) -> KeptProfile:
    if kept is None:
        return _with_default(None, bought)
    named = kept.model_copy(update={"name": bought.name})
    if any(each.shipping == bought.shipping for each in kept.addresses):
        return named
    return named.with_added(added, is_default=False)


def _there(kept: KeptProfile | None) -> KeptProfile:
    if kept is None:
        raise ProfileNotFound
    return kept


def _require_fresh(who: Identity) -> None:
    if not who.fresh:
        raise FreshLoginRequired


def _place(account_id: str) -> Place:
    return Place(COLLECTION, "profile", account_id)
