"""What the other services answer: parts of a copy, and what they have erased. Each may come twice and in any order."""

from functools import partial

import structlog

from services.auth.accounts.owner import Owner, tell_owner
from services.auth.deps import Deps
from services.auth.mydata.domain import Erasure, Export, Outcome
from services.auth.mydata.export import keep_part
from services.auth.refusals import AccountNotFound
from services.auth.trail.pending import noted
from shared.consumer import Handler
from shared.contracts import mailer, orders, persons, warranty
from shared.contracts.persons import Collected
from shared.events import Event, MalformedEvent
from shared.personal import PersonErased

PERSONS = "auth.persons"
_EXPORTED: dict[str, type[persons.PersonExported]] = {
    each.PersonExported.TYPE: each.PersonExported for each in (orders, mailer, warranty)
}
_ERASED: dict[str, type[persons.PersonErased]] = {
    each.PersonErased.TYPE: each.PersonErased for each in (orders, mailer, warranty)
}
log = structlog.get_logger()


def answer_handlers(deps: Deps) -> dict[str, Handler]:
    """For the queue of what the others answer."""
    return {
        **dict.fromkeys(_EXPORTED, partial(take_part, deps)),
        **dict.fromkeys(_ERASED, partial(take_erased, deps)),
    }


async def take_part(deps: Deps, event: Event) -> None:
    """Keep a part of a copy; with the last one the archive is ready, and its owner is told.

    Raises:
        MalformedEvent, CannotOpen: it is none.
    """
    told = event.read(_EXPORTED[event.type])
    if told.part > told.parts:
        raise MalformedEvent("a part beyond the last one")
    data = deps.unsealer.open(Collected, told.data, event=event, field="data")
    export = await deps.exports.find(told.account_id, told.export_id)
    owner = None if export is None else await _owner(deps, told.account_id)
    if export is None or owner is None:
        log.info("answer to an export that is gone", export_id=told.export_id)
        return
    if export.ready_at is None:
        service = _service(event)
        await keep_part(deps, export, owner.person, data, place=(service, told.part))
        export = await deps.exports.note(export.id, service, part=told.part, of=told.parts)
    if export is not None and export.is_gathered:
        await _finish(deps, export, owner)


async def _finish(deps: Deps, export: Export, owner: Owner) -> None:
    """Make it ready, once."""
    if export.ready_at is not None:
        return
    now = deps.clock()
    letter = tell_owner(deps, owner, "data-ready", page="/account/data")
    note = noted(export.account_id, "export-ready", now, export=export.id)
    await deps.exports.finish(export.finish(now), [letter], notes=[note])


async def take_erased(deps: Deps, event: Event) -> None:
    """Write into the receipt what a service has erased; with the last answer the erasure is complete.

    Raises:
        MalformedEvent: it is none.
    """
    told = event.read(_ERASED[event.type])
    outcome = Outcome(told.erased, told.kept)
    erasure = await deps.erasures.note(told.erasure_id, _service(event), outcome)
    if erasure is None:
        erasure = await _note_late(deps, told, _service(event), outcome)
    if erasure is None:
        log.warning("answer to an erasure that is not known", erasure_id=told.erasure_id)
        return
    if erasure.is_answered:
        now = deps.clock()
        note = noted(told.account_id, "erased", now, erasure=erasure.id)
        if await deps.erasures.complete(erasure.id, at=now, notes=[note]):
            log.info("erasure complete", erasure_id=erasure.id)


async def _note_late(deps: Deps, told: persons.PersonErased, service: str, outcome: Outcome) -> Erasure | None:
    """The answer was quicker than the receipt: whoever began the erasure has died before opening one."""
    begun = await deps.erasures.find_begun(told.account_id)
    if begun is None or begun.id != told.erasure_id:
        return None
    await deps.erasures.open(begun)
    return await deps.erasures.note(begun.id, service, outcome)


def _service(event: Event) -> str:
    """Who may have sent it: the broker lets each service publish its own types only."""
    return event.type.partition(".")[0]


async def _owner(deps: Deps, account_id: str) -> Owner | None:
    try:
        return Owner(await deps.accounts.get(account_id), await deps.people.known(account_id))
    except (AccountNotFound, PersonErased):
        return None
