"""What orders holds of a person: the orders of the account, who bought and where they went, the profile.

An erasure drops the person's data key: buyer, address, kept card and profile are then unreadable, in every copy there
is. By what orders are recognised as of one hand goes as well, and what screening knows of the account's payments.
What was bought, when, and for how much stays: the books want it, and so
does the warranty.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.orders.deps import Deps
from services.orders.life.ask import ask_provider
from services.orders.life.cancel import give_up_waiting
from services.orders.life.change import change
from services.orders.life.domain import Line, Order
from services.orders.life.kept import open_ending
from services.orders.life.lifeview import LifeView, life_of
from services.orders.life.steps import Status
from services.orders.life.store import COLLECTION
from services.orders.persons import Contact, ShippingAddress
from services.orders.profile.domain import KeptProfile
from services.orders.profile.store import COLLECTION as PROFILES
from shared.consumer import Handler
from shared.contracts.orders import PersonErased, PersonExported
from shared.contracts.persons import Kept
from shared.errors import TransientError
from shared.personal import PersonErased as Erased
from shared.personal import PersonKey, Place
from shared.persons import PersonDesk, Row, Sections, Tally, Whom, counted

PERSONS = "orders.persons"
PURPOSE = "export"
SETTLES_WITHIN = timedelta(seconds=10)
"""How old an order may be that still keeps an erasure waiting: longer than a provider usually takes.

Asked again after 1 and 11 s, an erasure then goes on, and is complete within the 60 s that are promised (P18).
"""
_PAGE = 200
log = structlog.get_logger(__name__)


def person_handlers(deps: Deps) -> dict[str, Handler]:
    """For the queue of what auth asks."""
    desk = PersonDesk(
        PersonExported, PersonErased, OrderHoldings(deps), deps.answers, deps.sealer, deps.unsealer, deps.clock
    )
    return dict(desk.handlers)


@dataclass(frozen=True, slots=True)
class OrderHoldings:
    """Implements `shared.persons.Holdings`."""

    deps: Deps

    async def collect(self, whom: Whom) -> Sections:
        """Every order of the account, whatever became of it, and the profile. Of somebody erased, the facts alone."""
        try:
            person = await self.deps.people.known(whom.account_id)
        except Erased:
            person = None
        orders = [self._order(order, person) async for order in self._orders(whom)]
        return {"orders": orders, "profile": await self._profile(whom, person)}

    async def tally(self, whom: Whom) -> Tally:
        """Who bought, where it went and with which card go, and the profile; the facts stay."""
        orders, profile = await asyncio.gather(
            self.deps.orders.count_of_account(whom.account_id), self.deps.profiles.find(whom.account_id)
        )
        erased = counted(contacts=orders, addresses=orders, cards=orders, profile=int(profile is not None))
        facts = Kept(what="purchase-facts", why="bookkeeping", count=orders)
        return Tally(erased, (facts,) if orders else ())

    async def erase(self, whom: Whom) -> None:
        """Drop the key. What is just being charged is told to its buyer first; what waits for the bank or a review is
        cancelled, for nobody could be sent it. What is paid and not shipped is left to support, who may cancel it.

        Raises:
            TransientError: a charge is under way, and how it ends is not known yet; it will be in a moment.
        """
        await self._settle(whom)
        cards = {order.card_fingerprint async for order in self._orders(whom)} - {""}
        await self.deps.people.erase(whom.account_id)
        await self.deps.screener.tallies.forget(whom.account_id, cards)
        await self.deps.orders.forget_cards(whom.account_id)
        await self.deps.profiles.remove(whom.account_id)
        async for order in self._orders(whom):
            await change(self.deps, order, lambda order: (order.orphaned(), ()))

    async def _settle(self, whom: Whom) -> None:
        """End what the provider has decided, so that its receipt still finds the buyer, and give up what waits.

        What it has not decided keeps the erasure waiting while it is young: the sweep ends it soon. An older one is
        left to the sweep, for nobody's erasure waits for ever.
        """
        since = self.deps.clock() - SETTLES_WITHIN
        async for order in self._orders(whom):
            settled = await self._settled(order) if order.status is Status.CHARGING else order
            if settled.status is Status.CHARGING and order.created_at > since:
                raise TransientError("an order of the account is being charged")
            await give_up_waiting(self.deps, settled)

    async def _settled(self, order: Order) -> Order:
        try:
            return await ask_provider(self.deps, order)
        except (TransientError, TimeoutError) as error:
            log.warning("left to the sweep", order_id=order.id, error=str(error))
            return order

    async def _orders(self, whom: Whom) -> AsyncIterator[Order]:
        behind = ""
        while page := await self.deps.orders.every_of_account(whom.account_id, before=behind, limit=_PAGE):
            for order in page:
                yield order
            behind = page[-1].id

    def _order(self, order: Order, person: PersonKey | None) -> Row:
        row: Row = {
            "number": order.number,
            "status": order.status.value,
            "created_at": order.created_at.isoformat(),
            "settled_at": order.settled_at.isoformat() if order.settled_at else None,
            "language": order.language,
            "currency": order.currency,
            "lines": [_line(line) for line in order.lines],
            "shipping_minor": order.shipping_minor,
            "total_minor": order.total_minor,
            "newsletter": order.newsletter,
        }
        return row if person is None else row | self._personal(order, person)

    def _personal(self, order: Order, person: PersonKey) -> Row:
        own = order.personal
        contact = person.open_model(Contact, own.contact, Place(COLLECTION, "contact", order.id), purpose=PURPOSE)
        where = Place(COLLECTION, "shipping", order.id)
        shipping = person.open_model(ShippingAddress, own.shipping, where, purpose=PURPOSE)
        return {
            "contact": contact.model_dump(),
            "shipping": shipping.model_dump(),
            **self._card(order, person),
            **_way(order, person),
        }

    def _card(self, order: Order, person: PersonKey) -> Row:
        if not order.personal.ending:  # it replaces a unit of another order, at no charge
            return {}
        card = open_ending(person, order, purpose=PURPOSE)
        return {"card": f"{card.brand} ending {card.last4}"}

    async def _profile(self, whom: Whom, person: PersonKey | None) -> list[Row]:
        sealed = await self.deps.profiles.find(whom.account_id)
        if sealed is None or person is None:
            return []
        place = Place(PROFILES, "profile", whom.account_id)
        profile = person.open_model(KeptProfile, sealed.box, place, purpose=PURPOSE)
        return [{**profile.model_dump(), "updated_at": sealed.updated_at.isoformat()}]


def _way(order: Order, person: PersonKey) -> Row:
    """How far it is, as its buyer sees it."""
    return LifeView(**life_of(order, person, purpose=PURPOSE)).model_dump(mode="json")


def _line(line: Line) -> Row:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "warranty_months": line.warranty_months,
    }
