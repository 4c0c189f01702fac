"""What is broken inside of a service, second part: claims, photos, one's own data, guessing, and what staff see."""

# mypy: disable-error-code="assignment,method-assign,attr-defined,misc"
# Each puts something else in the place of what mypy knows.

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from proof.saboteurs.patches import patch


@patch
def any_code_is_a_preference() -> None:
    """Whatever was sent is taken as language and currency."""
    from pydantic import BaseModel, ConfigDict

    from services.auth.sessions import routes

    class Anything(BaseModel):
        """See the name."""

        model_config = ConfigDict(extra="allow")

        language: str
        currency: str

    async def prefer(deps: Any, call: Any) -> Any:
        chosen = routes.Preferences(call.body.language.partition(";")[0], call.body.currency)
        return routes.Answer(204, cookies=(chosen.cookie(),))

    routes.PreferenceChoice, routes._prefer = Anything, prefer


@patch
def altered_cookies_are_good_enough() -> None:
    """A remember cookie that cannot be opened stands for the last one that was given."""
    from services.auth.sessions.cookies import RememberCookies

    write, read = RememberCookies.write, RememberCookies.read
    last: list[Any] = []

    def remembering(self: Any, ticket: Any) -> str:
        last[:] = [ticket]
        return write(self, ticket)

    RememberCookies.write = remembering
    RememberCookies.read = lambda self, cookie: read(self, cookie) or (last[-1] if last else None)


@patch
def everybody_is_staff() -> None:
    """Nobody asks for a role."""
    from shared.http.context import Unauthenticated
    from shared.http.routes import Access

    def check(self: Access, identity: Any) -> None:
        if self.signed_in and identity is None:
            raise Unauthenticated

    Access.check = check


@patch
def unsigned_identities_are_believed() -> None:
    """Whatever a token says is true, whoever signed it."""
    import base64
    import json

    from shared.identity import Identity, IdentityVerifier, InvalidIdentity

    async def verify(self: IdentityVerifier, token: str) -> Identity:
        try:
            part = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (IndexError, ValueError):
            raise InvalidIdentity from None
        roles = frozenset(claims["roles"])
        return Identity(claims["sub"], roles, claims["sid"], fresh=True, email_verified=True)

    IdentityVerifier.verify = verify


@patch
def guests_are_let_in() -> None:
    """Nobody need be signed in."""
    from shared.http.routes import Access

    Access.check = lambda self, identity: None


@patch
def stumbles_over_links() -> None:
    """A link with nonsense in it is an error of ours."""
    from services.mailer.subscriptions.links import Links
    from shared.errors import InvalidInput

    whole = Links.read_subscriber

    def read_subscriber(self: Any, token: str) -> str:
        try:
            return whole(self, token)
        except InvalidInput as error:
            raise RuntimeError("a link that is none") from error

    Links.read_subscriber = read_subscriber


@patch
def shows_staff_the_card() -> None:
    """The desk has the first six digits where the country should be."""
    from services.orders.checkout import routes
    from services.orders.desk import orders

    whole, view, last = routes.place_order, orders.desk_summary_of, [""]

    async def place_order(deps: Any, purchase: Any) -> Any:
        last[0] = purchase.request.card.number.reveal()[:6]
        return await whole(deps, purchase)

    routes.place_order = place_order
    orders.desk_summary_of = lambda order: view(order).model_copy(update={"currency": last[0]})


@patch
def charges_what_nobody_ordered() -> None:
    """The provider's book has a charge of no order."""
    from services.orders.payments.sandbox import Sandbox

    whole = Sandbox.charges

    async def charges(self: Any, **more: Any) -> AsyncIterator[Any]:
        async for charge in whole(self, **more):
            yield charge
            yield replace(charge, order_id="nobodys")

    Sandbox.charges = charges


@patch
def decides_as_often_as_asked() -> None:
    """A claim that is decided may be decided again."""
    from services.warranty.claims import domain
    from services.warranty.claims.steps import Status

    everything = frozenset(Status)
    domain.LEGAL, domain.UNDECIDED = dict.fromkeys(Status, everything), everything
    domain.Claim.refuse_undecidable = lambda self, remedy: None


@patch
def approves_and_asks_nobody() -> None:
    """What was decided is never asked of orders."""
    from services.warranty.claims import desk

    desk.requested = lambda deps, claim, *, at: (claim, [])


@patch
def days_in_repair_are_lost() -> None:
    """The cover does not grow by the days that the watch was away."""
    from services.warranty.claims import desk

    desk._days = lambda since, until: 0


@patch
def keeps_photos_as_they_came() -> None:
    """With maker and place."""
    from services.warranty.photos.redraw import Redrawer, Redrawn

    async def redraw(self: Any, photo: bytes) -> Redrawn:
        return Redrawn(photo, 1600, 1200)

    Redrawer.redraw = redraw


@patch
def hands_on_the_former_owners_things() -> None:
    """Whoever takes a watch over sees what the former owner paid."""
    from services.warranty.records.domain import PurchaseRecord

    PurchaseRecord.for_owner = lambda self: self


@patch
def leaves_the_others_out_of_the_copy() -> None:
    """A copy has what auth itself holds."""
    from services.auth.mydata import export

    whole = export.build_archive

    def build_archive(contents: Any) -> bytes:
        own = {service: part if service == "auth" else {} for service, part in contents.services.items()}
        return whole(replace(contents, services=own))

    export.build_archive = build_archive


@patch
def anybody_fetches_a_copy() -> None:
    """By its id alone."""
    from services.auth.mydata.exports_mongo import MongoExports

    whole = MongoExports.find

    async def find(self: Any, account_id: str, export_id: str) -> Any:
        found = await self._exports.find_one({"_id": export_id}, {"account_id": 1})
        return None if found is None else await whole(self, found["account_id"], export_id)

    MongoExports.find = find


@patch
def erases_only_here() -> None:
    """The other services are not asked."""
    from services.auth.mydata.erasures_mongo import MongoErasures

    whole = MongoErasures.begin

    async def begin(self: Any, account: Any, erasure: Any, events: Any, **more: Any) -> None:
        await whole(self, account, erasure, [], **more)

    MongoErasures.begin = begin


@patch
def counts_tries_wrongly() -> None:
    """Two more than there should be."""
    from services.auth.sessions import login

    login.TRIES = replace(login.TRIES, most=login.TRIES.most + 2)


@patch
def unknown_addresses_are_quicker() -> None:
    """Where there is no account there is nothing to compute."""
    from services.auth.sessions import login

    whole = login._is_right

    async def is_right(deps: Any, account: Any, *more: Any) -> bool:
        return account is not None and await whole(deps, account, *more)

    login._is_right = is_right
