"""What `dead` does; `shared.cli` knows how it is asked."""

import argparse
import json
import sys

from shared.settings import BaseSettings


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
