"""Keep, show and forget a profile. A browser that was only remembered is shown none before the password is given."""

from services.orders.deps import Deps
from services.orders.persons import ShippingAddress
from services.orders.profile.mongo import COLLECTION
from services.orders.profile.store import SealedProfile
from shared.addresses import PersonName
from shared.errors import DomainError, ErrorKind, NotFound
from shared.http.routes import RequestModel
from shared.identity import Identity
from shared.personal import Place


class ProfileNotFound(NotFound):
    """You have no profile."""

    code = "profile-not-found"


class FreshLoginRequired(DomainError):
    """Give your password again first: this browser was only remembered."""

    kind = ErrorKind.FORBIDDEN
    code = "fresh-login-required"


class Profile(RequestModel):
    """What checkout fills in by itself."""

    name: PersonName
    shipping: ShippingAddress


async def keep_profile(deps: Deps, who: Identity, profile: Profile) -> None:
    """Keep it, in place of an earlier one."""
    _require_fresh(who)
    person = await deps.people.person(who.subject)
    box = person.seal_model(profile, _place(who))
    await deps.profiles.put(SealedProfile(who.subject, box, deps.clock()))


async def find_profile(deps: Deps, who: Identity) -> Profile | None:
    """The profile, if there is one."""
    _require_fresh(who)
    sealed = await deps.profiles.find(who.subject)
    if sealed is None:
        return None
    person = await deps.people.known(who.subject)
    return person.open_model(Profile, sealed.box, _place(who), purpose="prefill")


async def forget_profile(deps: Deps, who: Identity) -> None:
    """Forget it; a browser that was only remembered may do that."""
    await deps.profiles.remove(who.subject)


def _require_fresh(who: Identity) -> None:
    if not who.fresh:
        raise FreshLoginRequired


def _place(who: Identity) -> Place:
    return Place(COLLECTION, "profile", who.subject)
