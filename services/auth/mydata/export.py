"""A copy of everything: asked for, gathered from all four services by events, fetched as one archive."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.auth.accounts.owner import Owner, owner_by
from services.auth.deps import Deps
from services.auth.mydata.archive import Contents, build_archive
from services.auth.mydata.domain import GATHERED_WITHIN, SERVICES, Export, ExportStatus, Gathered, Part
from services.auth.mydata.holdings import PURPOSE, collect, person_of
from services.auth.refusals import ExportNotFound, ExportNotReady, ExportRunning
from services.auth.sessions.confirmation import recent_session
from services.auth.throttle.store import Limit
from services.auth.trail.domain import Note
from services.auth.trail.pending import noted
from shared.contracts.auth import ExportRequested
from shared.contracts.persons import Collected, Person
from shared.events import Event
from shared.identity import Identity
from shared.ids import new_id
from shared.personal import PersonKey, Place
from shared.persons import Sections, split
from shared.sealing import Sealer
from shared.topology import ASKED

EXPORTS = Limit("export", most=5, within=timedelta(hours=24))
"""Each is work for four services."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ExportState:
    """An export as its owner sees it."""

    id: str
    status: ExportStatus
    services: Mapping[str, bool]
    """Whether each service has answered in full."""
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    """Until when it can be fetched; None while it is being gathered."""


async def ask_export(deps: Deps, who: Identity) -> ExportState:
    """Ask all services for what they hold of the account; a mail tells when the archive is ready.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        ExportRunning: one is being gathered already.
        TooManyTries: five in the last 24 hours.
    """
    await recent_session(deps, who)
    owner = await owner_by(deps, who)
    now = deps.clock()
    if any(each.status(now) == "collecting" for each in await deps.exports.of_account(owner.account.id)):
        raise ExportRunning
    await deps.guard.admit(EXPORTS, owner.account.id)
    export = await _begin(deps, owner, who, at=now)
    log.info("export asked for", account_id=export.account_id, export_id=export.id)
    return _state(export, now)


async def list_exports(deps: Deps, who: Identity) -> list[ExportState]:
    """The account's exports, newest first."""
    now = deps.clock()
    return [_state(export, now) for export in await deps.exports.of_account(who.subject)]


async def show_export(deps: Deps, who: Identity, export_id: str) -> ExportState:
    """One of the account's own.

    Raises:
        ExportNotFound: there is none, or it is another's.
    """
    return _state(await _own(deps, who, export_id), deps.clock())


async def fetch_archive(deps: Deps, who: Identity, export_id: str) -> bytes:
    """The archive (ZIP): all as JSON, and a page to read.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        ExportNotFound: there is none, it is another's, or its time is over.
        ExportNotReady: not all services have answered yet.
    """
    await recent_session(deps, who)
    owner = await owner_by(deps, who)
    export = await _own(deps, who, export_id)
    now = deps.clock()
    if export.status(now) == "expired":
        raise ExportNotFound
    if export.ready_at is None:
        raise ExportNotReady
    contents = Contents(
        shop=deps.settings.shop_name,
        time_zone=deps.settings.time_zone,
        language=owner.account.language,
        account_id=export.account_id,
        gathered_at=export.ready_at,
        services=await _opened(deps, owner.person, export),
    )
    archive = await asyncio.to_thread(build_archive, contents)
    await deps.trail.append(export.account_id, Note("export-fetched", now, {"export": export.id}))
    return archive


async def keep_part(deps: Deps, export: Export, person: PersonKey, part: Collected, *, place: tuple[str, int]) -> None:
    """Keep what a service has said, sealed under the person's key. The same part again takes the place of the first."""
    service, number = place
    box = person.seal_model(part, _place(export.id, service, number))
    await deps.exports.put(export, Part(service, number, box))


async def _begin(deps: Deps, owner: Owner, who: Identity, *, at: datetime) -> Export:
    """Store auth's own answer, then the export with the event that asks the others."""
    own = list(split(await collect(deps, owner, who)))
    gathered = {"auth": Gathered(len(own), frozenset(range(1, len(own) + 1)))}
    export = Export(new_id(), owner.account.id, at, at + GATHERED_WITHIN, gathered)
    for number, part in enumerate(own, 1):
        await keep_part(deps, export, owner.person, part, place=("auth", number))
    asked = _asked(deps.sealer, export, await person_of(deps, owner, purpose=PURPOSE))
    await deps.exports.add(export, [asked], notes=[noted(owner.account.id, "export-asked", at, export=export.id)])
    return export


def _asked(sealer: Sealer, export: Export, person: Person) -> Event:
    event_id = new_id()
    sealed = sealer.seal_for(
        dict.fromkeys(ASKED, person),
        event_type=ExportRequested.TYPE,
        event_id=event_id,
        field="person",
    )
    asked = ExportRequested(
        export_id=export.id, account_id=export.account_id, requested_at=export.requested_at, person=sealed
    )
    return Event.of(asked, id=event_id, subject=export.account_id, at=export.requested_at)


async def _own(deps: Deps, who: Identity, export_id: str) -> Export:
    export = await deps.exports.find(who.subject, export_id)
    if export is None:
        raise ExportNotFound
    return export


async def _opened(deps: Deps, person: PersonKey, export: Export) -> dict[str, Sections]:
    """Everything in clear, by service and section."""
    services: dict[str, Sections] = {service: {} for service in SERVICES}
    for part in await deps.exports.parts(export.id):
        place = _place(export.id, part.service, part.number)
        opened = person.open_model(Collected, part.box, place, purpose=PURPOSE)
        for name, rows in opened.sections.items():
            services[part.service].setdefault(name, []).extend(rows)
    return services


def _place(export_id: str, service: str, number: int) -> Place:
    return Place("export_parts", f"{service}.{number}", export_id)


def _state(export: Export, now: datetime) -> ExportState:
    return ExportState(
        id=export.id,
        status=export.status(now),
        services={service: export.has_all_of(service) for service in SERVICES},
        requested_at=export.requested_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at if export.ready_at else None,
    )
