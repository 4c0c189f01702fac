"""Warranty on in-memory parts and a clock that stands still, with orders' side of the events."""

import hashlib
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from services.warranty.claims.decisions import ClaimRules
from services.warranty.config import Settings
from services.warranty.deps import Deps
from services.warranty.holders import account_holder
from services.warranty.photos.redraw import Redrawer
from services.warranty.records.domain import PurchaseRecord
from services.warranty.records.usecases import list_purchases, record_purchase
from shared.boxes import Place
from shared.contracts.orders import Buyer, PurchaseCompleted, PurchasedItem
from shared.events import Event
from shared.http.uploads import Intake
from shared.ids import new_id, new_number
from shared.personal import BlindIndex, PersonalFields
from shared.testing.answers import MemoryAnswers
from shared.testing.clock import FixedClock
from shared.testing.datakeys import MemoryDataKeys
from shared.testing.identity import SigningAuth, an_identity
from shared.testing.keys import MemoryKeys
from shared.testing.sealing import MemorySealing
from tests.unit.warranty.claim_doubles import MemoryAccesses, MemoryClaims, OneHoliday
from tests.unit.warranty.doubles import NOON, MemoryPurchases
from tests.unit.warranty.photo_doubles import MemoryPhotos

SETTINGS = Settings(
    public_url="https://localhost:8443",
    http_port=0,
    mongo_url=SecretStr("mongodb://unused"),
    amqp_url=SecretStr("amqp://unused"),
    key_dir=Path("unused"),
    seal_keys_dir=Path("unused"),
    jwks_url="http://unused",
)


STAFF = an_identity("staff-1", "support")


class World:
    """Deps, what lies behind them, and a few sentences for tests."""

    def __init__(self, sealing: MemorySealing | None = None) -> None:
        self.clock = FixedClock(NOON)
        self.purchases = MemoryPurchases()
        self.claims = MemoryClaims()
        self.accesses = MemoryAccesses()
        self.photos = MemoryPhotos()
        self.data_keys = MemoryDataKeys()
        self.answers = MemoryAnswers()
        self.sealing = sealing or MemorySealing()
        self.auth = SigningAuth("warranty", self.clock)
        keys = MemoryKeys()
        self.deps = Deps(
            settings=SETTINGS,
            clock=self.clock,
            new_id=new_id,
            new_number=new_number,
            purchases=self.purchases,
            claims=self.claims,
            claim_rules=ClaimRules(version="none"),
            calendar=OneHoliday(),
            accesses=self.accesses,
            photos=self.photos,
            redrawer=Redrawer(),
            uploads=Intake(),
            answers=self.answers,
            people=PersonalFields(keys, self.data_keys, purposes=SETTINGS.purposes),
            data_keys=self.data_keys,
            index=BlindIndex(keys.get("index", 1)),
            sealer=self.sealing.sealer,
            unsealer=self.sealing.unsealer("warranty"),
            identities=self.auth.verifier,
            ready=_ready,
        )

    def purchase(self, account: str, *, order: str = "o-1", items: int = 1, at: datetime = NOON) -> Event:
        """An order as orders announces it; an empty account is a guest."""
        sealed = self.sealing.sealer.seal_for(
            {"warranty": self.buyer(account, order)},
            event_type=PurchaseCompleted.TYPE, event_id=f"e-{order}", field="buyer",
        )  # fmt: skip
        contract = PurchaseCompleted(
            order_id=order,
            number="7F3K-Q2XM",
            purchased_at=at,
            currency="JPY",
            country="JP",
            items=tuple(_item(f"{order}-1-{n}") for n in range(1, items + 1)),
            total_minor=19800 * items,
            buyer=sealed,
        )
        return Event.of(contract, id=f"e-{order}", subject=order, at=at)

    def buyer(self, account: str, order: str) -> Buyer:
        """What orders tells warranty of a buyer."""
        proof = "" if account else hashlib.sha256(self.token_of(order).encode()).hexdigest()
        return Buyer(account_id=account, name="Ann Example", email="ann@example.org", link_proof=proof)

    def token_of(self, order: str) -> str:
        """What the link to a guest's order has."""
        return hashlib.sha256(f"link {order}".encode()).hexdigest()

    async def deliver(self, account: str, *, order: str = "o-1", items: int = 1) -> None:
        """An order has arrived."""
        await record_purchase(self.deps, self.purchase(account, order=order, items=items))

    async def listed(self, account: str) -> list[PurchaseRecord]:
        """What the account sees."""
        page, _ = await list_purchases(self.deps, account_holder(self.deps, account), limit=100)
        return page

    async def opened(self, record: PurchaseRecord, at: Place) -> bytes:
        """The account in the sealed field, for somebody who may."""
        assert record.owner is not None
        person = await self.deps.people.known("a-1")
        return person.open(record.owner.sealed, at, purpose="warranty")

    def as_customer(self, account: str) -> dict[str, str]:
        """What the gateway adds for a customer."""
        return self.auth.headers(an_identity(account))

    def as_staff(self, *roles: str, who: str = "staff-1") -> dict[str, str]:
        """What the gateway adds for staff."""
        return self.auth.headers(an_identity(who, *roles))


async def _ready() -> dict[str, bool]:
    return {"database": True}


def _item(item_id: str) -> PurchasedItem:
    return PurchasedItem(
        item_id=item_id, sku="kisai-rogue", name="Kisai Rogue", unit_price_minor=19800, warranty_months=12
    )
