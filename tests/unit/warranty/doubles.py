"""Builders, and the store in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from services.warranty.records.domain import OrderOwner, Owner, PurchaseRecord
from services.warranty.records.store import DayCount, Position, Shipped

NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
"""Noon in Tokyo."""
TOKYO = "Asia/Tokyo"

_RECORD = PurchaseRecord(
    id="o-1-1-1",
    order_id="o-1",
    order_number="7F3K-Q2XM",
    sku="kisai-rogue",
    name="Kisai Rogue",
    purchased_at=NOON,
    unit_price_minor=19800,
    currency="JPY",
    country="JP",
    months=12,
    rule="maker",
    rule_version=1,
    covered_until=date(2027, 11, 20),
)


def a_record(id: str = "o-1-1-1", *, owner: str = "", at: datetime = NOON, name: str = "Kisai Rogue") -> PurchaseRecord:
    """A record; with `owner`, that is the owner's key."""
    return replace(
        _RECORD, id=id, purchased_at=at, name=name, owner=Owner(owner, b"sealed for " + id.encode()) if owner else None
    )


class MemoryPurchases:
    """`Purchases` in a dictionary."""

    def __init__(self, *, time_zone: str = TOKYO) -> None:
        self.records: dict[str, PurchaseRecord] = {}
        self.shipped: dict[str, list[Shipped]] = {}
        self.cancelled: dict[str, datetime] = {}
        self.delivered: dict[str, datetime] = {}
        self.extended: dict[str, dict[str, int]] = {}
        self.paid_back: dict[str, str] = {}
        self.refunded: dict[str, int] = {}
        self.order_owners: dict[str, OrderOwner] = {}
        self.offers: dict[str, tuple[str, datetime]] = {}
        self.codes: dict[str, str] = {}
        self.begun: dict[str, datetime] = {}
        self._zone = ZoneInfo(time_zone)

    async def add(self, records: Sequence[PurchaseRecord]) -> None:
        """See `Purchases.add`."""
        for record in records:
            self.records.setdefault(record.id, record)

    async def find(self, record_id: str, *, owner_key: str) -> PurchaseRecord | None:
        """See `Purchases.find`."""
        return next((self._joined(record) for record in self._of(owner_key) if record.id == record_id), None)

    async def of_owner(self, owner_key: str, *, limit: int, after: Position | None = None) -> list[PurchaseRecord]:
        """See `Purchases.of_owner`."""
        newest_first = sorted(self._of(owner_key), key=_place, reverse=True)
        if after is not None:
            newest_first = [record for record in newest_first if _place(record) < (after.purchased_at, after.id)]
        return [self._joined(record) for record in newest_first[:limit]]

    async def count_of_owner(self, owner_key: str) -> int:
        """See `Purchases.count_of_owner`."""
        return len(self._of(owner_key))

    async def unlink(self, owner_key: str) -> None:
        """See `Purchases.unlink`."""
        self.order_owners = {order: owner for order, owner in self.order_owners.items() if owner.key != owner_key}
        for record in self._of(owner_key):
            self.records[record.id] = replace(record, owner=None)
            self.offers.pop(record.id, None)
            self.codes.pop(record.id, None)

    async def of_order(self, order_id: str) -> list[PurchaseRecord]:
        """See `Purchases.of_order`."""
        records = (self._joined(record) for record in self.records.values() if record.order_id == order_id)
        return sorted(records, key=lambda record: record.id)

    async def of_serial(self, serial: str) -> PurchaseRecord | None:
        """See `Purchases.of_serial`."""
        records = (self._joined(record) for record in self.records.values())
        return next((record for record in records if record.serial and record.serial == serial), None)

    async def link(self, record_id: str, owner: Owner) -> None:
        """See `Purchases.link`."""
        record = self.records.get(record_id)
        if record is not None and record.transferred_at is None and not (record.owner and record.owner.sealed):
            self.records[record_id] = replace(record, owner=replace(owner, proof=""))

    async def note_owner(self, order_id: str, owner: OrderOwner) -> None:
        """See `Purchases.note_owner`."""
        self.order_owners.setdefault(order_id, owner)

    async def owner_of_order(self, order_id: str) -> OrderOwner | None:
        """See `Purchases.owner_of_order`."""
        return self.order_owners.get(order_id)

    async def offer(self, record_id: str, *, owner_key: str, code_key: str, until: datetime) -> bool:
        """See `Purchases.offer`."""
        if all(record.id != record_id for record in self._of(owner_key)):
            return False
        self.offers[record_id] = (code_key, until)
        return True

    async def withdraw_offer(self, record_id: str, *, owner_key: str) -> None:
        """See `Purchases.withdraw_offer`."""
        if any(record.id == record_id for record in self._of(owner_key)):
            self.offers.pop(record_id, None)

    async def offered(self, code_key: str, now: datetime) -> PurchaseRecord | None:
        """See `Purchases.offered`."""
        for record_id, (key, until) in self.offers.items():
            if key == code_key and until > now:
                return self._joined(self.records[record_id])
        return None

    async def begin_claim(self, record_id: str, *, owner_key: str, at: datetime) -> bool:
        """See `Purchases.begin_claim`."""
        if all(record.id != record_id for record in self._of(owner_key)):
            return False
        self.begun[record_id] = max(at, self.begun.get(record_id, at))
        return True

    async def hand_on(self, code_key: str, owner: Owner, *, at: datetime, unclaimed_since: datetime) -> None:
        """See `Purchases.hand_on`."""
        record = await self.offered(code_key, at)
        begun_at = self.begun.get(record.id) if record is not None else None
        if record is not None and (begun_at is None or begun_at < unclaimed_since):
            self.records[record.id] = replace(self.records[record.id], owner=owner, transferred_at=at)
            self.codes[record.id] = code_key
            del self.offers[record.id]

    async def taken(self, code_key: str, owner_key: str) -> PurchaseRecord | None:
        """See `Purchases.taken`."""
        mine = (each for each in self._of(owner_key) if self.codes.get(each.id) == code_key)
        return next((self._joined(each) for each in mine), None)

    async def number(self, record_id: str, serial: str, *, at: datetime) -> None:
        """See `Purchases.number`."""
        parcels = {*self.shipped.get(record_id, []), Shipped(serial, at)}
        self.shipped[record_id] = sorted(parcels, key=lambda parcel: parcel.at)

    async def note_delivered(self, order_id: str, *, at: datetime) -> None:
        """See `Purchases.note_delivered`."""
        self.delivered[order_id] = min(at, self.delivered.get(order_id, at))

    async def extend(self, record_id: str, claim_id: str, days: int) -> None:
        """See `Purchases.extend`."""
        claims = self.extended.setdefault(record_id, {})
        claims[claim_id] = max(days, claims.get(claim_id, days))

    async def note_paid_back(self, record_id: str, claim_id: str) -> None:
        """See `Purchases.note_paid_back`."""
        self.paid_back[record_id] = claim_id

    async def serials(self, record_id: str) -> list[Shipped]:
        """See `Purchases.serials`."""
        return self.shipped.get(record_id, [])

    async def note_cancelled(self, order_id: str, *, at: datetime) -> None:
        """See `Purchases.note_cancelled`."""
        self.cancelled[order_id] = min(at, self.cancelled.get(order_id, at))

    async def note_refunded(self, order_id: str, refunded_minor: int) -> None:
        """See `Purchases.note_refunded`."""
        self.refunded[order_id] = max(refunded_minor, self.refunded.get(order_id, 0))

    async def count(self) -> int:
        """See `Purchases.count`."""
        return len(self.records)

    async def count_by_day(self, since: datetime) -> list[DayCount]:
        """See `Purchases.count_by_day`."""
        moments = [record.purchased_at for record in self.records.values() if record.purchased_at >= since]
        days = Counter(moment.astimezone(self._zone).date() for moment in moments)
        return [DayCount(day, days[day]) for day in sorted(days)]

    def _joined(self, record: PurchaseRecord) -> PurchaseRecord:
        order_id, parcels = record.order_id, self.shipped.get(record.id, [])
        return replace(
            record,
            serial=parcels[-1].serial if parcels else "",
            shipped_at=parcels[0].at if parcels else None,
            delivered_at=self.delivered.get(order_id),
            extended_days=sum(self.extended.get(record.id, {}).values()),
            is_paid_back=record.id in self.paid_back,
            cancelled_at=self.cancelled.get(order_id),
            order_refunded_minor=self.refunded.get(order_id, 0),
        )

    def _of(self, owner_key: str) -> list[PurchaseRecord]:
        return [record for record in self.records.values() if record.owner and record.owner.key == owner_key]


def _place(record: PurchaseRecord) -> tuple[datetime, str]:
    return record.purchased_at, record.id
