"""What warranty holds of a person: which of the items sold are theirs, and what they claimed.

An erasure cuts that link. The record itself stays: it says what was bought when, and whose it was is then unknown. Of a
claim stays what was wrong with the item and what became of it, without a word of the claimant.
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from services.warranty.claims.announce import claimant_of
from services.warranty.claims.domain import Claim
from services.warranty.claims.usecases import cover_now
from services.warranty.claims.views import view_of
from services.warranty.deps import Deps
from services.warranty.holders import account_key
from services.warranty.photos.usecases import show_photo
from services.warranty.records.domain import PurchaseRecord
from services.warranty.records.store import Position
from shared.consumer import Handler
from shared.contracts.persons import Kept
from shared.contracts.warranty import PersonErased, PersonExported
from shared.persons import PersonDesk, Row, Sections, Tally, Whom, counted

PERSONS = "warranty.persons"
_PAGE = 500
PHOTO_BYTES = 4_000_000
"""Of photos in one export, before base64: a third more after it, where 8 MB are all that one may have."""


def person_handlers(deps: Deps) -> dict[str, Handler]:
    """For the queue of what auth asks."""
    desk = PersonDesk(
        PersonExported, PersonErased, WarrantyHoldings(deps), deps.answers, deps.sealer, deps.unsealer, deps.clock
    )
    return dict(desk.handlers)


@dataclass(frozen=True, slots=True)
class WarrantyHoldings:
    """Implements `shared.persons.Holdings`."""

    deps: Deps

    async def collect(self, whom: Whom) -> Sections:
        """Every record and every claim of the account, newest first."""
        purchases = [_row(record, cover_now(self.deps, record).until) async for record in self._records(whom)]
        claims = [await self._claim_row(claim) async for claim in self._claims(whom)]
        photos = await self._photo_rows(whom)
        return (
            {"purchases": purchases} | ({"claims": claims} if claims else {}) | ({"photos": photos} if photos else {})
        )

    async def tally(self, whom: Whom) -> Tally:
        """All links go; the facts stay, without one."""
        count = await self.deps.purchases.count_of_owner(self._key(whom))
        claims = await self.deps.claims.count_of_holder(self._key(whom))
        photos = sum([len(claim.photos) async for claim in self._claims(whom)])
        facts = Kept(what="purchase-facts", why="warranty", count=count)
        outcomes = Kept(what="claim-facts", why="warranty", count=claims)
        kept = tuple(each for each in (facts, outcomes) if each.count)
        return Tally(counted(owner_links=count, claims=claims, photos=photos), kept)

    async def erase(self, whom: Whom) -> None:
        """First the key, for good: a record that is made meanwhile finds none, and is made without an owner."""
        await self.deps.people.erase(whom.account_id)
        await self.deps.purchases.unlink(self._key(whom))
        await self.deps.photos.remove_of([claim.id async for claim in self._claims(whom)])
        await self.deps.claims.forget(self._key(whom))

    def _key(self, whom: Whom) -> str:
        return account_key(self.deps, whom.account_id)

    async def _claims(self, whom: Whom) -> AsyncIterator[Claim]:
        before = ""
        while page := await self.deps.claims.of_holder(self._key(whom), before=before, limit=_PAGE):
            for claim in page:
                yield claim
            before = page[-1].id

    async def _claim_row(self, claim: Claim) -> Row:
        return dict(view_of(claim, await claimant_of(self.deps, claim)).model_dump(mode="json"))

    async def _photo_rows(self, whom: Whom) -> list[Row]:
        """The photos of one's claims, newest claims first: as many as fit, of the others where they are."""
        rows: list[Row] = []
        room = PHOTO_BYTES
        async for claim in self._claims(whom):
            for photo in view_of(claim, await claimant_of(self.deps, claim)).photos:
                row: Row = {"claim": claim.number, "at": photo.at.isoformat(), "address": photo.href}
                if photo.size <= room:
                    row["jpeg"] = b64encode(await show_photo(self.deps, claim, photo.id)).decode("ascii")
                    room -= photo.size
                rows.append(row)
        return rows

    async def _records(self, whom: Whom) -> AsyncIterator[PurchaseRecord]:
        after: Position | None = None
        while page := await self.deps.purchases.of_owner(self._key(whom), limit=_PAGE, after=after):
            for record in page:
                yield record
            after = Position(page[-1].purchased_at, page[-1].id)


def _row(record: PurchaseRecord, covered_until: date) -> Row:
    record = record.for_owner()
    return {
        "purchase_id": record.id,
        "order_number": record.order_number,
        "sku": record.sku,
        "name": record.name,
        "purchased_at": record.purchased_at.isoformat(),
        "unit_price_minor": record.unit_price_minor,
        "currency": record.currency,
        "country": record.country,
        "months": record.months,
        "rule": f"{record.rule} {record.rule_version}",
        "covered_until": covered_until.isoformat(),
        "serial": record.serial,
        "cancelled_at": record.cancelled_at.isoformat() if record.cancelled_at else "",
        "order_refunded_minor": record.order_refunded_minor,
    }
