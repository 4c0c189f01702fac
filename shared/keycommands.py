"""What `keys` does: list, rotate, rewrap, retire. `shared.cli` knows how it is asked."""

import argparse
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.keys import PURPOSES, FileKeys
from shared.settings import BaseSettings

if TYPE_CHECKING:
    from shared.datakeys import MongoDataKeys
    from shared.mongo import Database

SETTLED_S = 600
"""How old the successor of a version must be: nobody takes the old one for the current one any more, no token that it
has signed is good, and no write that began with it is under way."""

_FOR_EVER = {
    "index": "the index key is never replaced: what it has indexed would no longer be found",
    "link": "the links in mails that were sent must work for ever",
}
_UNKNOWN = {
    "card": "whether an order's kept parts of a card are still sealed to it",
    "seal": "whether an event that waits in a queue or among the dead letters is sealed to it",
    "cookie": "which remembered browsers have not come back since; they will be asked to log in",
}
_KEK = "fields"

KeysInUse = Mapping[str, "Callable[[Database], Awaitable[Mapping[int, int]]]"]
"""For a purpose of one service's own: how many things in its database need each version. What needs one keeps it."""


async def keys(settings: BaseSettings, arguments: argparse.Namespace, *, in_use: KeysInUse) -> int:
    """Do as asked with this service's keys; 0 where it was done."""
    provider = FileKeys(settings.key_dir, strict=settings.key_dir_is_private)
    act: dict[str, Callable[[], Awaitable[int]]] = {
        "list": lambda: _list(provider),
        "rotate": lambda: _rotate(settings, provider, arguments.purpose),
        "rewrap": lambda: _rewrap(settings, provider, batch=arguments.batch),
        "retire": lambda: _retire(settings, provider, arguments, in_use=in_use),
    }
    return await act[arguments.action]()


async def _list(provider: FileKeys) -> int:
    for purpose, meaning in PURPOSES.items():
        if versions := provider.versions(purpose):
            print(purpose, f"current {versions[-1]}", f"all {','.join(map(str, versions))}", meaning, sep="\t")
    return 0


async def _rotate(settings: BaseSettings, provider: FileKeys, purpose: str) -> int:
    from shared.publickeys import reader_of, write_public_key

    if not provider.versions(purpose):
        return _refused(f"this service holds no key for {purpose}")
    if purpose == "index":
        return _refused("the index key is never rotated: what it has indexed would no longer be found")
    key = provider.rotate(purpose)
    if reader_of(purpose, settings.service):
        write_public_key(provider, settings.seal_keys_dir, settings.service)
    print(f"{purpose} is now at version {key.version}")
    return 0


async def _rewrap(settings: BaseSettings, provider: FileKeys, *, batch: int) -> int:
    from shared.personal import PersonKeys
    from shared.rewrapping import rewrap_all

    async with _data_keys(settings) as store:
        outcome = await rewrap_all(store, PersonKeys(provider, purposes=()), batch=batch)
        print(f"{outcome.done} data keys rewrapped; now {_counted(await store.versions())}")
    for person_id in outcome.unreadable:
        print(f"cannot be opened: data key of person {person_id}", file=sys.stderr)
    return 1 if outcome.unreadable else 0


async def _retire(
    settings: BaseSettings, provider: FileKeys, arguments: argparse.Namespace, *, in_use: KeysInUse
) -> int:
    purpose, below = arguments.purpose, arguments.below
    versions = provider.versions(purpose)
    if reason := _FOR_EVER.get(purpose):
        return _refused(reason)
    if not versions or below > versions[-1]:
        return _refused(f"the current version of {purpose} stays: {versions[-1] if versions else 'there is none'}")
    if reason := await _needed(settings, provider, arguments, in_use=in_use):
        return _refused(reason)
    from shared.publickeys import reader_of

    retired = provider.retire(purpose, below=below)
    if reader := reader_of(purpose, settings.service):
        for version in retired:
            (settings.seal_keys_dir / reader / f"{version}.pub").unlink(missing_ok=True)
    print(f"{purpose}: versions deleted: {', '.join(map(str, retired)) or 'none'}")
    return 0


async def _needed(
    settings: BaseSettings, provider: FileKeys, arguments: argparse.Namespace, *, in_use: KeysInUse
) -> str:
    """Why the versions below must stay; empty where they may go. What can be known, `--anyway` does not overrule."""
    purpose, below = arguments.purpose, arguments.below
    if arguments.anyway and purpose != _KEK and purpose not in in_use:
        return ""
    successor = min(version for version in provider.versions(purpose) if version >= below)
    age_s = provider.age_s(purpose, successor)
    if age_s < SETTLED_S:
        return f"version {successor} of {purpose} is {age_s:.0f} s old; its predecessors may go after {SETTLED_S} s"
    if purpose in _UNKNOWN:
        return f"cannot be known here: {_UNKNOWN[purpose]}. --anyway deletes it all the same"
    if purpose in in_use:
        return await _using(settings, purpose, in_use[purpose], below=below)
    return await _wrapping(settings, below=below) if purpose == _KEK else ""


async def _using(
    settings: BaseSettings, purpose: str, versions: "Callable[[Database], Awaitable[Mapping[int, int]]]", *, below: int
) -> str:
    from shared.mongo import open_database

    async with open_database(settings.mongo_url.get_secret_value(), settings.mongo_database) as database:
        needed = {version: count for version, count in (await versions(database)).items() if version < below}
    return f"{purpose}: still needed to check what is stored: {_counted(needed)}" if needed else ""


async def _wrapping(settings: BaseSettings, *, below: int) -> str:
    async with _data_keys(settings) as store:
        needed = {version: count for version, count in (await store.versions()).items() if version < below}
    return f"`keys rewrap` comes first: {_counted(needed)}" if needed else ""


def _counted(versions: Mapping[int, int]) -> str:
    rows = [f"{count} under version {version}" for version, count in versions.items()]
    return ", ".join(rows) or "none"


def _refused(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


@asynccontextmanager
async def _data_keys(settings: BaseSettings) -> "AsyncIterator[MongoDataKeys]":
    from shared.datakeys import MongoDataKeys
    from shared.mongo import open_database

    async with open_database(settings.mongo_url.get_secret_value(), settings.mongo_keys_database) as database:
        yield MongoDataKeys(database)
