"""The mark of a restored database."""

from shared.mongo import Database
from shared.restored import COLLECTION, DOCUMENT, MongoRestored
from shared.testing.clock import NOON


async def test_a_database_that_was_never_restored_has_no_mark(database: Database) -> None:
    restored = MongoRestored(database)
    await restored.recover(NOON)

    assert await restored.as_of() is None
    assert await restored.recovered_at() is None


async def test_the_first_recovery_is_noted(database: Database) -> None:
    await database[COLLECTION].insert_one({"_id": DOCUMENT, "at": NOON})
    restored = MongoRestored(database)

    assert (await restored.as_of(), await restored.recovered_at()) == (NOON, None)
    await restored.recover(NOON)
    await restored.recover(NOON.replace(hour=13))

    assert await restored.recovered_at() == NOON
