"""Accesses in MongoDB: collection `accesses`; each carries its event until it is published."""

from collections.abc import Sequence

from services.orders.desk.store import COLLECTION, Access
from shared.events import Event
from shared.mongo import Database, Index, translated
from shared.outbox import INDEX, Announcer, pending

INDEXES = (Index("order", [("order_id", 1), ("accessed_at", 1)]), INDEX)


class MongoAccesses:
    """`Accesses` on a database; tells the relay of each event."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._accesses = database[COLLECTION]
        self._relay = relay

    async def add(self, access: Access, events: Sequence[Event]) -> None:
        """See `Accesses.add`."""
        document = {
            "_id": access.id,
            "order_id": access.order_id,
            "account_id": access.account_id,
            "staff_id": access.staff_id,
            "roles": list(access.roles),
            "what": access.what,
            "accessed_at": access.accessed_at,
            "reason": access.reason,
            "outbox": pending(events),
        }
        with translated():
            await self._accesses.insert_one(document)
        self._relay.announce(COLLECTION, access.id, events)

    async def of_order(self, order_id: str) -> Sequence[Access]:
        """See `Accesses.of_order`."""
        with translated():
            found = await self._accesses.find({"order_id": order_id}).sort("accessed_at", 1).to_list(None)
        return [
            Access(
                id=each["_id"],
                order_id=each["order_id"],
                account_id=each["account_id"],
                staff_id=each["staff_id"],
                roles=tuple(each["roles"]),
                what=each["what"],
                accessed_at=each["accessed_at"],
                reason=bytes(each["reason"]),
            )
            for each in found
        ]
