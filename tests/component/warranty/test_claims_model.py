"""Claims on the real database, against the model; what was announced is read where the relay reads it."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from services.warranty.claims.mongo import MongoClaims, ensure_claim_indexes
from services.warranty.claims.store import COLLECTION
from shared.events import Event, decode
from shared.mongo import Database
from shared.outbox import FIELD
from shared.testing.relay import MemoryRelay
from tests.unit.warranty.claims_machine import ClaimsMachine
from tests.unit.warranty.world import World

STEPS = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
STUCK_S = 20


class MongoMachine(ClaimsMachine):
    def __init__(self, database: Database, loop: asyncio.AbstractEventLoop) -> None:
        self.database, self.loop = database, loop
        super().__init__()

    def open_world(self) -> World:
        self.wait_for(self._empty())
        world = World()
        world.deps = replace(world.deps, claims=MongoClaims(self.database, MemoryRelay()))
        return world

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(STUCK_S)

    async def outbox(self) -> Sequence[Event]:
        documents = await self.database[COLLECTION].find({}, {FIELD: 1}).to_list(None)
        return [decode(row["body"]) for document in documents for row in document[FIELD]]

    async def _empty(self) -> None:
        await self.database[COLLECTION].delete_many({})


async def test_claims_on_the_real_database_stand_where_the_model_says(database: Database) -> None:
    await ensure_claim_indexes(database)
    loop = asyncio.get_running_loop()

    # In a thread, for the rules of a machine are plain functions; each await of theirs runs on this loop.
    await asyncio.to_thread(run_state_machine_as_test, lambda: MongoMachine(database, loop), settings=STEPS)
