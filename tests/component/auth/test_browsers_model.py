"""Sessions and remembered browsers on the real database, against the model."""

from dataclasses import replace

from services.auth.service import ensure_indexes
from services.auth.sessions.mongo import REMEMBERED, SESSIONS, MongoRememberedBrowsers, MongoSessions
from services.auth.sessions.seen import SeenSessions
from shared.clock import system_clock
from shared.mongo import Database
from shared.outbox import FIELD
from shared.testing.relay import MemoryRelay
from tests.component.auth.conftest import NobodyTakes
from tests.machines import play_on_database
from tests.unit.auth.browsers_machine import BrowsersMachine, Shop
from tests.unit.auth.doubles import World


async def test_browsers_on_the_real_database_stand_where_the_model_says(database: Database) -> None:
    await ensure_indexes(database)

    async def thefts() -> int:
        carried = await database[REMEMBERED].find({}, {FIELD: 1}).to_list(None)
        return sum(len(document[FIELD]) for document in carried)

    async def shop() -> Shop:
        for name in (SESSIONS, REMEMBERED):
            await database[name].delete_many({})
        world = World()
        world.clock.at = system_clock().replace(microsecond=0)  # the database removes by its own clock what is over
        sessions = MongoSessions(database, NobodyTakes())
        remembered = MongoRememberedBrowsers(database, MemoryRelay(), NobodyTakes())
        world.deps = replace(world.deps, sessions=sessions, remembered=remembered, seen=SeenSessions(sessions))
        return Shop(world, thefts)

    await play_on_database(BrowsersMachine, shop)
