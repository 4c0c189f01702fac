"""Everything that a use case of auth needs, opened once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.auth.accounts.hashing import PasswordHashes
from services.auth.accounts.mongo import COLLECTION as ACCOUNTS
from services.auth.accounts.mongo import MongoAccounts
from services.auth.accounts.resets import MongoResets
from services.auth.accounts.rules import PasswordRules
from services.auth.accounts.store import Accounts, Resets
from services.auth.config import Settings
from services.auth.factors.mongo import MongoChallenges
from services.auth.factors.store import Challenges
from services.auth.identity.issuer import IdentityIssuer
from services.auth.mydata.erasures_mongo import COLLECTION as ERASURES
from services.auth.mydata.erasures_mongo import MongoErasures
from services.auth.mydata.exports_mongo import EXPORTS, MongoExports
from services.auth.mydata.store import Erasures, Exports
from services.auth.sessions.cookies import RememberCookies
from services.auth.sessions.mongo import REMEMBERED, SESSIONS, MongoRememberedBrowsers, MongoSessions
from services.auth.sessions.seen import SeenSessions
from services.auth.sessions.store import RememberedBrowsers, Sessions
from services.auth.throttle.guard import Guard
from services.auth.throttle.mongo import MongoTries
from services.auth.throttle.store import Tries
from services.auth.trail.mongo import MongoTrail
from services.auth.trail.refused import RefusedLogins
from services.auth.trail.relay import TrailRelay
from services.auth.trail.store import Audit, CarriedNotes, Trail
from services.auth.trail.verify import MongoAudit
from shared.clock import Clock
from shared.health import Readiness
from shared.http.cookies import cookie_name
from shared.identity import IdentityVerifier
from shared.personal import BlindIndex, PersonalFields
from shared.runtime import Runtime
from shared.sealing import Sealer, Unsealer

CARRIERS = (ACCOUNTS, SESSIONS, REMEMBERED, EXPORTS, ERASURES)
"""Collections whose documents carry notes for the trail."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What use cases and edges are given."""

    settings: Settings
    clock: Clock
    accounts: Accounts
    resets: Resets
    sessions: Sessions
    remembered: RememberedBrowsers
    challenges: Challenges
    tries: Tries
    guard: Guard
    trail: Trail
    notes: CarriedNotes
    audit: Audit
    exports: Exports
    erasures: Erasures
    refused: RefusedLogins
    people: PersonalFields
    index: BlindIndex
    sealer: Sealer
    unsealer: Unsealer
    hashes: PasswordHashes
    rules: PasswordRules
    remember: RememberCookies
    issuer: IdentityIssuer
    seen: SeenSessions
    identities: IdentityVerifier
    ready: Readiness


@asynccontextmanager
async def open_deps(runtime: Runtime) -> AsyncIterator[Deps]:
    """Build the stores on what the kit has opened, and write behind what the hot path notes."""
    settings = runtime.settings
    assert isinstance(settings, Settings)
    trail = MongoTrail(runtime.database, runtime.keys, runtime.clock)
    notes = TrailRelay(runtime.database, trail, runtime.clock, collections=CARRIERS)
    sessions = MongoSessions(runtime.database, notes)
    seen = SeenSessions(sessions)
    tries = MongoTries(runtime.database)
    refused = RefusedLogins(trail, runtime.clock)
    hashes = PasswordHashes(settings, apart=True)
    rules = PasswordRules()
    try:
        async with notes.running(), seen.written(), refused.written():
            yield Deps(
                settings=settings,
                clock=runtime.clock,
                accounts=MongoAccounts(runtime.database, runtime.relay, notes),
                resets=MongoResets(runtime.database, runtime.relay),
                sessions=sessions,
                remembered=MongoRememberedBrowsers(runtime.database, runtime.relay, notes),
                challenges=MongoChallenges(runtime.database),
                tries=tries,
                guard=Guard(tries, runtime.clock, index=runtime.index, per_network=settings.tries_per_network),
                trail=trail,
                notes=notes,
                audit=MongoAudit(runtime.database, runtime.keys, runtime.clock),
                exports=MongoExports(runtime.database, runtime.relay, notes),
                erasures=MongoErasures(runtime.database, runtime.relay, notes),
                refused=refused,
                people=runtime.people,
                index=runtime.index,
                sealer=runtime.sealer,
                unsealer=runtime.unsealer,
                hashes=hashes,
                rules=rules,
                remember=RememberCookies(runtime.keys, cookie_name(settings.site_name, "remember")),
                issuer=IdentityIssuer(runtime.keys, runtime.clock),
                seen=seen,
                identities=runtime.identities,
                ready=runtime.ready,
            )
    finally:
        rules.close()
        hashes.close()
