"""Everything that a use case of warranty needs, opened once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.warranty.config import Settings
from services.warranty.records.mongo import MongoPurchases
from services.warranty.records.store import Purchases
from shared.answers import Answers, MongoAnswers
from shared.clock import Clock
from shared.health import Readiness
from shared.identity import IdentityVerifier
from shared.personal import BlindIndex, DataKeys, PersonalFields
from shared.runtime import Runtime
from shared.sealing import Sealer, Unsealer


@dataclass(frozen=True, slots=True)
class Deps:
    """What use cases and edges are given."""

    settings: Settings
    clock: Clock
    purchases: Purchases
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
        clock=runtime.clock,
        purchases=MongoPurchases(runtime.database, time_zone=settings.time_zone),
        answers=MongoAnswers(runtime.database, runtime.relay),
        people=runtime.people,
        data_keys=runtime.data_keys,
        index=runtime.index,
        sealer=runtime.sealer,
        unsealer=runtime.unsealer,
        identities=runtime.identities,
        ready=runtime.ready,
    )
