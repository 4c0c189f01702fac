"""Builders, and the stores in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.orders.catalogue.domain import Offer, Product
from services.orders.desk.store import Access
from services.orders.life.domain import Attempt, Line, Order, OrderNotFound, Personal
from services.orders.life.link_store import MOST_A_DAY, LinkRequest
from services.orders.life.parcel import SerialTaken
from services.orders.life.steps import Status
from services.orders.life.store import EVERY, Filter, KeyTaken
from services.orders.payments.ledger import UNDECIDED
from services.orders.payments.provider import Charge, Outcome
from services.orders.profile.store import SealedProfile
from services.orders.quotes.domain import GivenQuote
from services.orders.screening.blocks import Block
from services.orders.screening.domain import Marks
from services.orders.screening.replay import ReplayedTallies
from services.orders.stock.store import Hold, Mark, NotCounted, SoldOut, TooFew, Wanted
from shared.errors import TransientError
from shared.events import Event
from shared.testing.clock import NOON

LINE = Line("TF-KISAI-01", "Kisai Orbit", 2, 14_800, 24)


def an_order(
    id: str = "o-1", *, key: str = "", account: str = "", status: Status = Status.CHARGING, at: datetime = NOON
) -> Order:
    """An order of two watches; its attempt's key follows from its id."""
    return Order(
        id=id,
        number=f"N-{id}",
        status=status,
        attempt=Attempt(key or f"key of {id}", "body"),
        account_id=account,
        language="en",
        currency="JPY",
        country="JP",
        lines=(LINE,),
        shipping_minor=800,
        personal=Personal(account or f"order:{id}", b"contact", b"shipping", b"card", b"ending"),
        card_fingerprint="fingerprint",
        newsletter=False,
        created_at=at,
        marks=Marks(card="fingerprint", address="address mark", email="email mark"),
    )


def a_product(sku: str = "TF-KISAI-01") -> Product:
    """A watch for 14,800 yen; not sold in euros."""
    return Product(
        sku=sku,
        names={"en": "Kisai Orbit", "ja": "キサイ オービット", "de": "Kisai Orbit"},
        descriptions={"en": "Two rings.", "ja": "二つの輪。", "de": "Zwei Ringe."},
        prices={"JPY": 14_800, "USD": 9_900},
        warranty_months=24,
        weight_g=140,
    )


class MemoryStock:
    """`Stock` in two dictionaries."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.holds: dict[tuple[str, str], Hold] = {}
        self.marks: dict[tuple[str, str, str], Mark] = {}

    async def reserve(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.reserve`."""
        if short := [line for line, one in enumerate(wanted) if self.counts.get(one.sku, 0) < one.quantity]:
            raise SoldOut.at(short)
        for one in wanted:
            self.counts[one.sku] -= one.quantity
            self.holds[one.sku, order_id] = Hold(one.sku, order_id, one.quantity, at)

    async def release(self, order_id: str, wanted: Sequence[Wanted]) -> None:
        """See `Stock.release`."""
        for one in wanted:
            if self.holds.pop((one.sku, order_id), None):
                self.counts[one.sku] += one.quantity

    def sold(self, order_id: str, wanted: Sequence[Wanted]) -> None:
        """See `Stock.sold`: forgotten at the next sweep."""

    async def holds_before(self, moment: datetime, *, limit: int) -> Sequence[Hold]:
        """See `Stock.holds_before`."""
        return [hold for hold in self.holds.values() if hold.held_at < moment][:limit]

    async def forget(self, sku: str, order_ids: Sequence[str]) -> None:
        """See `Stock.forget`."""
        for order_id in order_ids:
            self.holds.pop((sku, order_id), None)

    async def give_back(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.give_back`."""
        for one in wanted:
            self.holds.pop((one.sku, order_id), None)
            self._move(Mark(one.sku, order_id, "returned", at), one.quantity)

    async def take(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.take`."""
        taken = [self._move(Mark(one.sku, order_id, "taken", at), -one.quantity) for one in wanted]
        if not all(taken):
            raise SoldOut.at([line for line, has in enumerate(taken) if not has])

    async def marks_before(self, moment: datetime, *, limit: int) -> Sequence[Mark]:
        """See `Stock.marks_before`."""
        return [mark for mark in self.marks.values() if mark.marked_at < moment][:limit]

    async def forget_mark(self, mark: Mark) -> None:
        """See `Stock.forget_mark`."""
        self.marks.pop((mark.sku, mark.order_id, mark.kind), None)

    async def adjust(self, sku: str, change: int) -> int:
        """See `Stock.adjust`."""
        if sku not in self.counts:
            raise NotCounted
        if self.counts[sku] + change < 0:
            raise TooFew
        return await self.recount(sku, self.counts[sku] + change)

    async def recount(self, sku: str, count: int) -> int:
        """See `Stock.recount`."""
        if sku not in self.counts:
            raise NotCounted
        self.counts[sku] = count
        return count

    def _move(self, mark: Mark, change: int) -> bool:
        key = (mark.sku, mark.order_id, mark.kind)
        if key in self.marks:
            return True
        if self.counts.get(mark.sku, 0) + change < 0:
            return False
        self.marks[key] = mark
        self.counts[mark.sku] = self.counts.get(mark.sku, 0) + change
        return True


class MemoryProducts:
    """`Products` in a dictionary, beside a `MemoryStock`."""

    def __init__(self, stock: MemoryStock) -> None:
        self.products: dict[str, Product] = {}
        self._stock = stock

    async def offers(self) -> Sequence[Offer]:
        """See `Products.offers`."""
        return [Offer(self.products[sku], self._stock.counts.get(sku, 0)) for sku in sorted(self.products)]

    async def add(self, product: Product, *, stock: int) -> None:
        """See `Products.add`."""
        if product.sku not in self.products:
            await self.put(product, stock=stock)

    async def put(self, product: Product, *, stock: int) -> None:
        """See `Products.put`."""
        self.products[product.sku] = product
        self._stock.counts.setdefault(product.sku, stock)


class MemoryOrders:
    """`Orders` in a dictionary; `pending` has the events that were stored with them."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.pending: dict[str, list[Event]] = {}

    async def add(self, order: Order) -> None:
        """See `Orders.add`."""
        if await self.find_by_key(order.attempt.key):
            raise KeyTaken
        self.orders[order.id] = order

    async def save(self, order: Order, events: Sequence[Event] = ()) -> Order | None:
        """See `Orders.save`."""
        stored = self.orders.get(order.id)
        if stored is None or stored.version != order.version:
            return None
        self._refuse_taken_serials(order)
        unchanging = {
            "personal": stored.personal,
            "account_id": stored.account_id,
            "card_fingerprint": stored.card_fingerprint,
        }
        self.orders[order.id] = replace(order, version=order.version + 1, **unchanging)
        self.pending.setdefault(order.id, []).extend(events)
        return self.orders[order.id]

    async def claim(self, order: Order, events: Sequence[Event]) -> Order | None:
        """See `Orders.claim`."""
        if await self.save(order, events) is None:
            return None
        self.orders[order.id] = replace(
            self.orders[order.id], personal=order.personal, account_id=order.account_id, contact_key=""
        )
        return self.orders[order.id]

    def _refuse_taken_serials(self, order: Order) -> None:
        taken = {each.serial for o in self.orders.values() if o.shipment and o.id != order.id
                 for each in o.shipment.serials}  # fmt: skip
        if order.shipment and taken & {each.serial for each in order.shipment.serials}:
            raise SerialTaken

    async def withdraw(self, order_id: str) -> None:
        """See `Orders.withdraw`."""
        if order_id in self.orders and self.orders[order_id].status is Status.CHARGING:
            del self.orders[order_id]

    async def get(self, order_id: str) -> Order:
        """See `Orders.get`."""
        if order_id not in self.orders:
            raise OrderNotFound
        return self.orders[order_id]

    async def find(self, order_id: str) -> Order | None:
        """See `Orders.find`."""
        return self.orders.get(order_id)

    async def find_by_key(self, key: str) -> Order | None:
        """See `Orders.find_by_key`."""
        return next((order for order in self.orders.values() if order.attempt.key == key), None)

    async def statuses(self, order_ids: Collection[str]) -> Mapping[str, Status]:
        """See `Orders.statuses`."""
        return {order_id: self.orders[order_id].status for order_id in order_ids if order_id in self.orders}

    async def standing_since(
        self, status: Status, moment: datetime, *, limit: int, behind: str = ""
    ) -> Sequence[Order]:
        """See `Orders.standing_since`."""
        found = [o for o in self.orders.values() if o.status is status and o.created_at < moment]
        return sorted((o for o in found if o.id > behind), key=lambda order: order.id)[:limit]

    async def unfinished(self, *, limit: int, behind: str = "") -> Sequence[Order]:
        """See `Orders.unfinished`."""
        found = [o for o in self.orders.values() if o.is_unfinished and o.id > behind]
        return sorted(found, key=lambda order: order.id)[:limit]

    async def of_guest(self, contact_key: str, *, limit: int) -> Sequence[Order]:
        """See `Orders.of_guest`."""
        everyones = await self.newest(before="", limit=10_000)
        return [o for o in everyones if o.contact_key == contact_key != "" and o.was_placed][:limit]

    async def of_account(self, account_id: str, *, before: str, limit: int) -> Sequence[Order]:
        """See `Orders.of_account`."""
        everyones = await self.newest(before=before, limit=10_000)
        return [o for o in everyones if o.account_id == account_id and o.status is not Status.FAILED][:limit]

    async def every_of_account(self, account_id: str, *, before: str, limit: int) -> Sequence[Order]:
        """See `Orders.every_of_account`."""
        everyones = await self.newest(before=before, limit=10_000)
        return [order for order in everyones if account_id and order.account_id == account_id][:limit]

    async def count_of_account(self, account_id: str) -> int:
        """See `Orders.count_of_account`."""
        return len(await self.every_of_account(account_id, before="", limit=10_000))

    async def forget_cards(self, account_id: str) -> None:
        """See `Orders.forget_cards`."""
        for order in await self.every_of_account(account_id, before="", limit=10_000):
            self.orders[order.id] = replace(order, card_fingerprint="", marks=Marks())

    async def newest(self, *, before: str, limit: int, only: Filter = EVERY) -> Sequence[Order]:
        """See `Orders.newest`."""
        ids = sorted((order_id for order_id in self.orders if not before or order_id < before), reverse=True)
        return [o for o in map(self.orders.__getitem__, ids) if _passes(o, only)][:limit]

    async def counts(self) -> Mapping[Status, int]:
        """See `Orders.counts`."""
        return dict.fromkeys(Status, 0) | Counter(order.status for order in self.orders.values())


def _passes(order: Order, only: Filter) -> bool:
    is_number = not only.number or order.number == only.number
    is_status = only.status is None or order.status is only.status
    return is_number and is_status and (order.needs_attention or not only.needs_attention)


class MemoryLedger:
    """`Ledger` in a dictionary."""

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.refunds: dict[tuple[str, str], int] = {}

    async def enter(self, charge: Charge) -> Charge:
        """See `Ledger.enter`."""
        return self.charges.setdefault(charge.order_id, charge)

    async def end(
        self, order_id: str, outcome: Outcome, *, reason: str = "", standing: Collection[Outcome] = UNDECIDED
    ) -> Charge:
        """See `Ledger.end`."""
        charge = self.charges.get(order_id)
        if charge is None:
            raise TransientError("no such entry")
        if charge.outcome in standing:
            charge = self.charges[order_id] = replace(charge, outcome=outcome, reason=reason, action_url="")
        return charge

    async def refund(self, order_id: str, refund_id: str, amount_minor: int) -> bool:
        """See `Ledger.refund`."""
        if (order_id, refund_id) in self.refunds:
            return self.refunds[order_id, refund_id] == amount_minor
        charge = self.charges.get(order_id)
        if charge is None or charge.outcome is not Outcome.PAID:
            return False
        if charge.amount_minor - charge.refunded_minor < amount_minor:
            return False
        self.refunds[order_id, refund_id] = amount_minor
        self.charges[order_id] = replace(charge, refunded_minor=charge.refunded_minor + amount_minor)
        return True

    async def find(self, order_id: str) -> Charge | None:
        """See `Ledger.find`."""
        return self.charges.get(order_id)

    async def entries(self, *, behind: str, limit: int, newest_first: bool = False) -> Sequence[Charge]:
        """See `Ledger.entries`."""
        ids = sorted(self.charges, reverse=newest_first)
        if behind:
            ids = [each for each in ids if (each < behind if newest_first else each > behind)]
        return [self.charges[order_id] for order_id in ids[:limit]]

    async def counts(self) -> Mapping[Outcome, int]:
        """See `Ledger.counts`."""
        return dict.fromkeys(Outcome, 0) | Counter(charge.outcome for charge in self.charges.values())


class MemoryProfiles:
    """`Profiles` in a dictionary."""

    def __init__(self) -> None:
        self.profiles: dict[str, SealedProfile] = {}

    async def find(self, account_id: str) -> SealedProfile | None:
        """See `Profiles.find`."""
        return self.profiles.get(account_id)

    async def put(self, profile: SealedProfile) -> bool:
        """See `Profiles.put`."""
        stored = self.profiles.get(profile.account_id)
        if profile.revision != (stored.revision if stored else 0):
            return False
        self.profiles[profile.account_id] = replace(profile, revision=profile.revision + 1)
        return True

    async def remove(self, account_id: str) -> None:
        """See `Profiles.remove`."""
        self.profiles.pop(account_id, None)


class MemoryLinkRequests:
    """`LinkRequests` in dictionaries; `events` is what was answered."""

    def __init__(self) -> None:
        self.requests: dict[str, LinkRequest] = {}
        self.counts: Counter[str] = Counter()
        self.open: set[str] = set()
        self.events: list[Event] = []

    async def ask(self, contact_key: str, *, language: str, at: datetime) -> None:
        """See `LinkRequests.ask`."""
        key = f"{contact_key}:{at:%Y-%m-%d}"
        if self.counts[key] < MOST_A_DAY:
            self.counts[key] += 1
            self.requests[key] = LinkRequest(key, contact_key, language, at)
            self.open.add(key)

    async def waiting(self, *, limit: int) -> Sequence[LinkRequest]:
        """See `LinkRequests.waiting`."""
        return [self.requests[key] for key in sorted(self.open)][:limit]

    async def answer(self, request: LinkRequest, events: Sequence[Event]) -> None:
        """See `LinkRequests.answer`."""
        if request.id in self.open and self.requests[request.id] == request:
            self.open.remove(request.id)
            self.events += events


class MemoryAccesses:
    """`Accesses` in a list; `events` is what they announced."""

    def __init__(self) -> None:
        self.stored: list[Access] = []
        self.events: list[Event] = []

    async def add(self, access: Access, events: Sequence[Event]) -> None:
        """See `Accesses.add`."""
        self.stored.append(access)
        self.events += events

    async def of_order(self, order_id: str) -> Sequence[Access]:
        """See `Accesses.of_order`."""
        return [access for access in self.stored if access.order_id == order_id]


class MemoryBlocks:
    """`Blocks` in a dictionary."""

    def __init__(self) -> None:
        self.blocks: dict[str, Block] = {}

    async def add(self, block: Block) -> None:
        """See `Blocks.add`."""
        self.blocks.setdefault(block.id, block)

    async def remove(self, block_id: str) -> bool:
        """See `Blocks.remove`."""
        return self.blocks.pop(block_id, None) is not None

    async def entries(self, *, behind: str, limit: int) -> Sequence[Block]:
        """See `Blocks.entries`."""
        return [self.blocks[block_id] for block_id in sorted(self.blocks) if block_id > behind][:limit]


def memory_tallies(blocks: MemoryBlocks) -> ReplayedTallies:
    """`Tallies` beside a `MemoryBlocks`."""
    return ReplayedTallies(blocks.blocks)


class MemoryQuotes:
    """`Quotes` in a dictionary."""

    def __init__(self) -> None:
        self.given: dict[str, GivenQuote] = {}

    async def add(self, given: GivenQuote) -> None:
        """See `Quotes.add`."""
        self.given[given.id] = given

    async def find(self, quote_id: str) -> GivenQuote | None:
        """See `Quotes.find`."""
        return self.given.get(quote_id)
