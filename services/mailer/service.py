"""Mailer, as the command line and the lifecycle see it."""

from services.mailer import VERSION
from services.mailer.app import build_app, routes
from services.mailer.commands import COMMANDS
from services.mailer.config import Settings
from services.mailer.deps import Deps, ensure_all_indexes, open_deps
from services.mailer.disclosure.trail import disclosure_key_versions
from services.mailer.work import build_work
from shared.service import Service

SERVICE: Service[Settings, Deps] = Service(
    name="mailer",
    version=VERSION,
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=build_work,
    ensure_indexes=ensure_all_indexes,
    commands=COMMANDS,
    routes=routes,
    keys=("fields", "index", "seal", "link", "trail"),
    keys_in_use={"trail": disclosure_key_versions},
)
