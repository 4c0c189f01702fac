"""Warranty, as the command line and the lifecycle see it."""

from services.warranty import VERSION
from services.warranty.app import build_app
from services.warranty.claims import commands
from services.warranty.claims.mongo import ensure_claim_indexes
from services.warranty.config import Settings
from services.warranty.deps import Deps, open_deps
from services.warranty.photos.gridfs import ensure_photo_indexes
from services.warranty.records.mongo import ensure_purchase_indexes
from services.warranty.routes import routes
from services.warranty.work import build_work
from shared.answers import ensure_answer_indexes
from shared.mongo import Database
from shared.service import Command, Service


async def ensure_indexes(database: Database) -> None:
    """All indexes of warranty's database."""
    await ensure_purchase_indexes(database)
    await ensure_claim_indexes(database)
    await ensure_photo_indexes(database)
    await ensure_answer_indexes(database)


SERVICE: Service[Settings, Deps] = Service(
    name="warranty",
    version=VERSION,
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=build_work,
    ensure_indexes=ensure_indexes,
    routes=routes,
    commands=(
        Command("claims", "rules tried on past claims", add_arguments=commands.add_arguments, run=commands.claims),
    ),
)
