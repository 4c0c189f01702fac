"""What `dead` and `keys` do; `shared.cli` knows how they are asked."""

import argparse
import json
import sys

from shared.settings import BaseSettings


async def dead(settings: BaseSettings, arguments: argparse.Namespace) -> int:
    """List, show or replay the dead letters of this service."""
    from shared import deadletters

    url, service = settings.amqp_url.get_secret_value(), settings.service
    if arguments.action == "list":
        for letter in await deadletters.list_dead(url, service, arguments.limit):
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


async def keys(settings: BaseSettings, arguments: argparse.Namespace) -> int:
    """List the versions of this service's keys, or make the next version of one."""
    from shared.keys import PURPOSES, FileKeys
    from shared.publickeys import write_public_key

    provider = FileKeys(settings.key_dir, strict=settings.key_dir_is_private)
    if arguments.action == "list":
        for purpose, meaning in PURPOSES.items():
            if versions := provider.versions(purpose):
                print(purpose, f"current {versions[-1]}", f"all {','.join(map(str, versions))}", meaning, sep="\t")
        return 0
    purpose = arguments.purpose
    if not provider.versions(purpose):
        print(f"this service holds no key for {purpose}", file=sys.stderr)
        return 1
    if purpose == "index":
        print("the index key is never rotated: what it has indexed would no longer be found", file=sys.stderr)
        return 1
    key = provider.rotate(purpose)
    if purpose == "seal":
        write_public_key(provider, settings.seal_keys_dir, settings.service)
    print(f"{purpose} is now at version {key.version}")
    return 0
