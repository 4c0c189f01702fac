"""Orders, as the command line and the lifecycle see it."""

import argparse

import structlog

from services.orders import VERSION
from services.orders.app import build_app, routes
from services.orders.catalogue import commands as catalogue_commands
from services.orders.catalogue.watches import seed
from services.orders.config import Settings
from services.orders.deps import Deps, open_deps
from services.orders.desk import mongo as desk
from services.orders.desk.store import COLLECTION as ACCESSES
from services.orders.life import again, link_store
from services.orders.life import mongo as orders
from services.orders.life.store import COLLECTION as ORDERS
from services.orders.payments import commands as payment_commands
from services.orders.payments import mongo as payments
from services.orders.quotes import mongo as quotes
from services.orders.screening import commands
from services.orders.screening import mongo as screening
from services.orders.work import build_work
from shared.answers import ensure_answer_indexes
from shared.mongo import Database, ensure_indexes
from shared.outbox import INDEX
from shared.service import Command, Service

log = structlog.get_logger(__name__)


async def ensure_order_indexes(database: Database) -> None:
    """The indexes of every collection of orders."""
    await ensure_indexes(database[ORDERS], [*orders.INDEXES, INDEX])
    await ensure_indexes(database[link_store.COLLECTION], link_store.INDEXES)
    await ensure_indexes(database[payments.COLLECTION], payments.INDEXES)
    await ensure_indexes(database[ACCESSES], desk.INDEXES)
    await ensure_indexes(database[screening.COLLECTION], screening.INDEXES)
    await ensure_indexes(database[quotes.COLLECTION], quotes.INDEXES)
    await ensure_answer_indexes(database)


async def _seed(deps: Deps, _arguments: argparse.Namespace) -> int:
    log.info("catalogue seeded", count=await seed(deps.products))
    return 0


SERVICE: Service[Settings, Deps] = Service(
    name="orders",
    version=VERSION,
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=build_work,
    ensure_indexes=ensure_order_indexes,
    routes=routes,
    commands=(
        Command("seed", "put the ten watches into the catalogue; what is there stays", run=_seed),
        catalogue_commands.COMMAND,
        payment_commands.COMMAND,
        again.COMMAND,
        Command(
            "screening",
            "the block list, and rules tried on past orders",
            add_arguments=commands.add_arguments,
            run=commands.screening,
        ),
    ),
)
