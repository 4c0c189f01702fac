"""Auth's part of the API, from all its subjects."""

from dataclasses import replace

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
    subjects = {
        "accounts": account_routes(deps),
        "sessions": [*session_routes(deps), *login_routes(deps)],
        "factors": factor_routes(deps),
        "trail": trail_routes(deps),
        "desk": desk_routes(deps),
        "my data": mydata_routes(deps),
    }
    return [replace(route, tag=subject) for subject, listed in subjects.items() for route in listed]
