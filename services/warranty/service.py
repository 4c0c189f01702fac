"""Warranty, as the command line and the lifecycle see it."""

from services.warranty.app import build_app
from services.warranty.config import Settings
from services.warranty.deps import Deps, open_deps
from services.warranty.mongo import ensure_purchase_indexes
from services.warranty.routes import routes
from services.warranty.work import build_work
from shared.cli import Service

SERVICE: Service[Settings, Deps] = Service(
    name="warranty",
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=build_work,
    ensure_indexes=ensure_purchase_indexes,
    routes=routes,
)
