"""Tokens for forgotten passwords in MongoDB: collection `resets`; each leaves by itself a day after its time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from services.auth.accounts.domain import Reset
from shared.events import Event
from shared.gather import GatheredWriter
from shared.mongo import Database, Index, ensure_indexes, translated
from shared.outbox import INDEX, Announcer, pending

COLLECTION = "resets"
KNOWN_AFTERWARDS = timedelta(days=1)
"""How long a token that is too old is still told from one that never was."""
ANSWERED_WITHIN_S = 0.1
"""A mail leaves so much later: publishing it beside the answer would tell by time that there is one."""


async def ensure_reset_indexes(database: Database) -> None:
    """Expiry; an account's tokens; pending events."""
    expiry = Index("expiry", [("removed_at", 1)], expire_after_s=0)
    await ensure_indexes(database[COLLECTION], [expiry, Index("account", [("account_id", 1)]), INDEX])


class MongoResets:
    """`Resets` on a database handle; tells the relay of each write with events."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)
        self._relay = relay

    async def add(self, reset: Reset, events: Sequence[Event]) -> None:
        """See `Resets.add`."""
        await self._writer.insert(
            {
                "_id": reset.id.hex(),
                "expires_at": reset.expires_at,
                "removed_at": reset.expires_at + KNOWN_AFTERWARDS,
                "account_id": reset.account_id,
                "email_key": reset.email_key,
                "serial": reset.serial,
                "outbox": pending(events),
            }
        )
        if events:
            announce = partial(self._relay.announce, COLLECTION, reset.id.hex(), events)
            asyncio.get_running_loop().call_later(ANSWERED_WITHIN_S, announce)

    async def find(self, token_hash: bytes) -> Reset | None:
        """See `Resets.find`."""
        with translated():
            document = await self._collection.find_one({"_id": token_hash.hex()}, {"outbox": 0})
        if document is None:
            return None
        return Reset(
            id=bytes.fromhex(document["_id"]),
            expires_at=document["expires_at"],
            account_id=document["account_id"],
            email_key=document["email_key"],
            serial=document["serial"],
        )

    async def forget_account(self, account_id: str) -> None:
        """See `Resets.forget_account`."""
        with translated():
            await self._collection.delete_many({"account_id": account_id})
