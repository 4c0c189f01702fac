"""What a release needs of its deployment before it starts: indexes, queues, and the keys that its data knows.

Looked at once, and nothing is written. A peer that is away is no reason to stop: it is waited for, as ever.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from shared.bus import MissingQueue
from shared.errors import TransientError
from shared.keys import KeyProvider, UnknownKey, UnusableKey
from shared.mongo import missing_indexes
from shared.personal import PersonKeys, Tampered
from shared.rewrapping import Rewrappable

if TYPE_CHECKING:
    from shared.runtime import Runtime
    from shared.service import Service
    from shared.work import Work

PATIENCE_S = 3.0
SAMPLE = 5
log = structlog.get_logger(__name__)


class NotDeployed(Exception):
    """This release cannot run on what is there. Says what is missing, and which command makes it."""


def check_keys(keys: KeyProvider, purposes: Sequence[str]) -> None:
    """Look for the keys that a service cannot do without.

    Raises:
        NotDeployed: some are not there, are damaged, or are open to others.
    """
    reasons = []
    for purpose in purposes:
        try:
            keys.current(purpose)
        except (UnknownKey, UnusableKey) as error:
            reasons.append(str(error))
    if reasons:
        raise NotDeployed("; ".join(reasons))


async def check_deployment(runtime: "Runtime", service: "Service[Any, Any]", work: "Work | None") -> None:
    """Look for what is missing, where the peers answer.

    Raises:
        NotDeployed: an older schema, a missing queue, or keys of another shop.
    """
    queues = list(work.handlers) if work else []
    looks = (_indexes(runtime, service), _queues(runtime, queues), foreign_keys(runtime.data_keys, runtime.keys))
    missing = await asyncio.gather(*map(_within, looks))
    if reasons := [reason for reason in missing if reason]:
        raise NotDeployed("; ".join(reasons))


async def _within(look: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await look
    except (TransientError, TimeoutError) as error:
        log.info("deployment not checked", error=str(error) or type(error).__name__)
        return ""


async def _indexes(runtime: "Runtime", service: "Service[Any, Any]") -> str:
    missing = await missing_indexes(service.ensure_indexes, runtime.database)
    if not missing:
        return ""
    told = f"the database has an older schema, without {', '.join(missing)}"
    return f"{told}: run `python -m services.{service.name} indexes` first"


async def _queues(runtime: "Runtime", queues: Sequence[str]) -> str:
    try:
        await runtime.bus.depths(queues)
    except MissingQueue as error:
        return f"the broker has no queue {error.queue}: load the topology first"
    return ""


async def foreign_keys(store: Rewrappable, keys: KeyProvider) -> str:
    """Why the keys cannot be those of the data, or nothing. Looks at a few data keys: one alone may be damaged."""
    sample = await store.outdated(2**31, after="", limit=SAMPLE)
    people = PersonKeys(keys, purposes=())
    for wrapped in sample:
        try:
            people.unwrap(wrapped)
            return ""
        except (Tampered, UnknownKey, UnusableKey):
            continue
    versions = ", ".join(sorted({str(wrapped.kek_version) for wrapped in sample}))
    return f"the keys `fields` here do not open what the database holds (version {versions})" if sample else ""
