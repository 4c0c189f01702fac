"""Auth's part of the API, from all its subjects."""

from services.auth.accounts.routes import account_routes
from services.auth.deps import Deps
from services.auth.desk.routes import desk_routes
from services.auth.factors.login_routes import login_routes
from services.auth.factors.routes import factor_routes
from services.auth.mydata.routes import mydata_routes
from services.auth.sessions.routes import session_routes
from services.auth.trail.routes import trail_routes
from shared.http.routes import Route


def routes(deps: Deps) -> list[Route]:
    """All of them."""
    return [
        *account_routes(deps),
        *session_routes(deps),
        *login_routes(deps),
        *factor_routes(deps),
        *trail_routes(deps),
        *desk_routes(deps),
        *mydata_routes(deps),
    ]
