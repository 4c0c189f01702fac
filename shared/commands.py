"""What `dead`, `indexes` and `migrate` do; `shared.cli` knows how they are asked."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from shared.settings import BaseSettings

if TYPE_CHECKING:
    from shared.service import Service


async def indexes(service: "Service[Any, Any]", settings: BaseSettings) -> int:
    """Make what indexes are missing."""
    from shared.mongo import open_database

    async with open_database(settings.mongo_url.get_secret_value(), settings.mongo_database) as database:
        await service.ensure_indexes(database)
    return 0


async def migrate(service: "Service[Any, Any]", settings: BaseSettings, arguments: argparse.Namespace) -> int:
    """Bring documents of an older form to the present one, and say how many; 1 where another process is at it."""
    from shared import migrations
    from shared.leases import Leases
    from shared.mongo import open_database

    async with open_database(settings.mongo_url.get_secret_value(), settings.mongo_database) as database:
        if arguments.dry_run:
            for each in service.migrations:
                print(f"{each.name}\t{await migrations.remaining(database, each)} of the older form")
            return 0
        told = await migrations.migrate(database, service.migrations, Leases(database), batch=arguments.batch)
    if told.is_busy:
        print("another process is at it", file=sys.stderr)
        return 1
    for name, count in told.done.items():
        print(f"{name}\t{count} changed\t{told.left[name]} of the older form left")
    if not told.done:
        print("nothing to migrate", file=sys.stderr)
    return 0


async def dead(settings: BaseSettings, arguments: argparse.Namespace) -> int:
    """List, show or replay the dead letters of this service."""
    from shared import deadletters

    url, service = settings.amqp_url.get_secret_value(), settings.service
    if arguments.action == "list":
        letters = await deadletters.list_dead(url, service, arguments.limit)
        if not letters:
            print("no dead letters", file=sys.stderr)
        for letter in letters:
            print(letter.id, letter.queue, letter.reason, letter.attempts, letter.died_at, sep="\t")
        return 0
    if arguments.action == "show":
        _print_letter(await deadletters.show_dead(url, service, arguments.id))
        return 0
    replayed, missing = 0, False
    for each in [None] if arguments.all else arguments.ids:
        count = await deadletters.replay_dead(url, service, each)
        replayed += count
        if each is not None and not count:
            missing = True
            print(f"no dead letter {each}", file=sys.stderr)
    print(f"{replayed} replayed")
    return 1 if missing else 0


def _print_letter(letter: object) -> None:
    from shared.deadletters import DeadLetter

    assert isinstance(letter, DeadLetter)
    print(f"id: {letter.id}\nqueue: {letter.queue}\nreason: {letter.reason}")
    print(f"attempts: {letter.attempts}\ndied at: {letter.died_at}\n")
    try:
        print(json.dumps(json.loads(letter.body), indent=2, ensure_ascii=True))
    except ValueError:  # no JSON: perhaps just that is why it died
        print(ascii(letter.body))
