"""Warranty's part of the API."""

from services.warranty.claims.desk_routes import desk_routes
from services.warranty.claims.routes import claim_routes
from services.warranty.deps import Deps
from services.warranty.photos.routes import photo_routes
from services.warranty.records.routes import routes as record_routes
from services.warranty.transfers.routes import transfer_routes
from shared.http.routes import Route


def routes(deps: Deps) -> list[Route]:
    """All of it."""
    return [*record_routes(deps), *claim_routes(deps), *photo_routes(deps), *transfer_routes(deps), *desk_routes(deps)]
