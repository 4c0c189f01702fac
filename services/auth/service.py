"""Auth, as the command line and the lifecycle see it."""

from services.auth import VERSION
from services.auth.accounts.mongo import ensure_account_indexes
from services.auth.accounts.resets import ensure_reset_indexes
from services.auth.app import build_app
from services.auth.config import Settings
from services.auth.deps import Deps, open_deps
from services.auth.factors.mongo import ensure_challenge_indexes
from services.auth.mydata.commands import ERASE
from services.auth.mydata.erasures_mongo import ensure_erasure_indexes
from services.auth.mydata.exports_mongo import ensure_export_indexes
from services.auth.routes import routes
from services.auth.sessions.mongo import ensure_session_indexes
from services.auth.staff.commands import STAFF
from services.auth.throttle.mongo import ensure_throttle_indexes
from services.auth.trail.commands import TRAIL
from services.auth.trail.mongo import ensure_trail_indexes, trail_key_versions
from services.auth.work import build_work
from shared.mongo import Database
from shared.service import Service


async def ensure_indexes(database: Database) -> None:
    """All indexes of auth's database."""
    await ensure_account_indexes(database)
    await ensure_reset_indexes(database)
    await ensure_session_indexes(database)
    await ensure_challenge_indexes(database)
    await ensure_throttle_indexes(database)
    await ensure_trail_indexes(database)
    await ensure_export_indexes(database)
    await ensure_erasure_indexes(database)


SERVICE: Service[Settings, Deps] = Service(
    name="auth",
    version=VERSION,
    settings=Settings,
    open_deps=open_deps,
    build_app=build_app,
    build_work=build_work,
    ensure_indexes=ensure_indexes,
    commands=(STAFF, TRAIL, ERASE),
    routes=routes,
    keys=("fields", "index", "seal", "cookie", "identity", "trail"),
    keys_in_use={"trail": trail_key_versions},
)
