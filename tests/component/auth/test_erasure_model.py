"""Erasure on the real database, against the model."""

from dataclasses import replace

from services.auth.accounts.mongo import COLLECTION as ACCOUNTS
from services.auth.accounts.mongo import MongoAccounts
from services.auth.accounts.resets import MongoResets
from services.auth.config import Settings
from services.auth.mydata.erasures_mongo import COLLECTION as ERASURES
from services.auth.mydata.erasures_mongo import MongoErasures
from services.auth.mydata.exports_mongo import MongoExports
from services.auth.service import ensure_indexes
from services.auth.sessions.mongo import REMEMBERED, SESSIONS, MongoRememberedBrowsers, MongoSessions
from shared.clock import system_clock
from shared.datakeys import MongoDataKeys
from shared.mongo import Database, beside
from shared.personal import PersonalFields
from shared.testing.relay import MemoryRelay
from tests.component.auth.conftest import NobodyTakes
from tests.machines import play_on_database
from tests.unit.auth.doubles import World
from tests.unit.auth.erasure_machine import ErasureMachine, Shop

CARRYING = (ACCOUNTS, ERASURES, SESSIONS, REMEMBERED)


async def test_whoever_dies_an_erasure_on_the_real_database_is_whole(database: Database) -> None:
    await ensure_indexes(database)

    async def relay() -> None:
        for name in CARRYING:
            await database[name].update_many({}, {"$set": {"outbox": []}, "$unset": {"notes": 1}})

    async def shop() -> Shop:
        for name in CARRYING:
            await database[name].delete_many({})
        world, told = World(), MemoryRelay()
        world.clock.at = system_clock().replace(microsecond=0)  # the database removes by its own clock what is over
        keys = MongoDataKeys(beside(database, f"{database.name}_keys"))
        world.deps = replace(
            world.deps,
            accounts=MongoAccounts(database, told, NobodyTakes()),
            resets=MongoResets(database, told),
            sessions=MongoSessions(database, NobodyTakes()),
            remembered=MongoRememberedBrowsers(database, told, NobodyTakes()),
            exports=MongoExports(database, told, NobodyTakes()),
            erasures=MongoErasures(database, told, NobodyTakes()),
            people=PersonalFields(world.keys, keys, purposes=Settings.purposes),
        )
        return Shop(world, lambda: told.events, relay)

    await play_on_database(ErasureMachine, shop, runs=8)
