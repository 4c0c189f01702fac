"""Everything that a use case of warranty needs, opened once."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.warranty.claims.access_store import Accesses, MongoAccesses
from services.warranty.claims.calendar import Calendar, CountryCalendar
from services.warranty.claims.decisions import ClaimRules, load_claim_rules
from services.warranty.claims.mongo import MongoClaims
from services.warranty.claims.store import Claims
from services.warranty.config import Settings
from services.warranty.photos.gridfs import GridFSPhotos
from services.warranty.photos.redraw import Redrawer
from services.warranty.photos.store import Photos
from services.warranty.records.mongo import MongoPurchases
from services.warranty.records.store import Purchases
from shared.answers import Answers, MongoAnswers
from shared.clock import Clock, in_millis
from shared.health import Readiness
from shared.http.uploads import Intake
from shared.identity import IdentityVerifier
from shared.ids import new_id, new_number
from shared.personal import BlindIndex, DataKeys, PersonalFields
from shared.runtime import Runtime
from shared.sealing import Sealer, Unsealer


@dataclass(frozen=True, slots=True)
class Deps:
    """What use cases and edges are given."""

    settings: Settings
    clock: Clock
    new_id: Callable[[], str]
    new_number: Callable[[], str]
    purchases: Purchases
    claims: Claims
    claim_rules: ClaimRules
    calendar: Calendar
    accesses: Accesses
    photos: Photos
    redrawer: Redrawer
    uploads: Intake
    answers: Answers
    people: PersonalFields
    data_keys: DataKeys
    index: BlindIndex
    sealer: Sealer
    unsealer: Unsealer
    identities: IdentityVerifier
    ready: Readiness


@asynccontextmanager
async def open_deps(runtime: Runtime) -> AsyncIterator[Deps]:
    """Build the store on what the kit has opened."""
    settings = runtime.settings
    assert isinstance(settings, Settings)
    yield Deps(
        settings=settings,
        clock=in_millis(runtime.clock),
        new_id=new_id,
        new_number=new_number,
        purchases=MongoPurchases(runtime.database, time_zone=settings.time_zone),
        claims=MongoClaims(runtime.database, runtime.relay),
        claim_rules=load_claim_rules(settings.claim_rules),
        calendar=CountryCalendar(settings.shop_country),
        accesses=MongoAccesses(runtime.database, runtime.relay),
        photos=GridFSPhotos(runtime.database),
        redrawer=Redrawer(),
        uploads=Intake(),
        answers=MongoAnswers(runtime.database, runtime.relay),
        people=runtime.people,
        data_keys=runtime.data_keys,
        index=runtime.index,
        sealer=runtime.sealer,
        unsealer=runtime.unsealer,
        identities=runtime.identities,
        ready=runtime.ready,
    )
