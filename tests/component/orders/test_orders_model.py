"""Orders on the real database, against the model; what was told is read where the relay reads it."""

from collections.abc import Sequence

from services.orders.catalogue.mongo import MongoProducts
from services.orders.life.mongo import MongoOrders
from services.orders.life.store import COLLECTION
from services.orders.payments.mongo import MongoLedger
from services.orders.profile.mongo import MongoProfiles
from services.orders.service import ensure_order_indexes
from services.orders.stock.mongo import MongoStock
from shared.datakeys import MongoDataKeys
from shared.events import Event, decode
from shared.mongo import Database, beside
from shared.outbox import FIELD
from tests.machines import play_on_database
from tests.unit.orders.orders_machine import OrdersMachine, Shop
from tests.unit.orders.world import PATIENT, Stores, seeded


async def test_orders_on_the_real_database_stand_where_the_model_says(database: Database) -> None:
    await ensure_order_indexes(database)

    async def events() -> Sequence[Event]:
        documents = await database[COLLECTION].find({}, {FIELD: 1}).to_list(None)
        return [decode(row["body"]) for document in documents for row in document.get(FIELD, ())]

    async def shop() -> Shop:
        for name in await database.list_collection_names():
            await database[name].delete_many({})
        stores = Stores(
            stock=MongoStock(database),
            orders=MongoOrders(database),
            ledger=MongoLedger(database),
            profiles=MongoProfiles(database),
            data_keys=MongoDataKeys(beside(database, f"{database.name}_keys")),
            products=MongoProducts(database),
        )
        return Shop(await seeded(stores, settings=PATIENT), events)

    await play_on_database(OrdersMachine, shop, runs=8)
