"""Cap and ledger on the real database, against the model."""

from services.mailer.sending.mongo import MongoClaims
from services.mailer.subscribers import COLLECTION, ensure_subscriber_indexes
from services.mailer.subscriptions.mongo import MongoSubscribers
from shared.mongo import Database
from tests.machines import play_on_database
from tests.unit.mailer.copies_machine import CopiesMachine


async def test_cap_and_ledger_on_the_real_database_stand_where_the_model_says(database: Database) -> None:
    await ensure_subscriber_indexes(database)

    async def stores() -> tuple[MongoSubscribers, MongoClaims]:
        await database[COLLECTION].delete_many({})
        return MongoSubscribers(database), MongoClaims(database)

    await play_on_database(CopiesMachine, stores)
