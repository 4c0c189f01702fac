"""Verified accounts of customers in auth's database, who all have one password: made by auth's own code.

Prints how auth hashes passwords, for the bare loop shall do the same.
"""

import argparse
import asyncio
import json
import os

import uvloop

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import Password
from services.auth.config import Settings
from services.auth.deps import Deps, open_deps
from services.auth.people import email_key, place
from shared.ids import new_id
from shared.runtime import open_runtime

PASSWORD = "a password of the bench"


def email_of(number: int) -> str:
    """The address of one of them."""
    return f"customer.{number}@example.com"


async def make(count: int) -> dict[str, int]:
    """Make them, and tell how auth hashes."""
    settings = Settings.from_env(os.environ)
    async with open_runtime(settings) as runtime, open_deps(runtime) as deps:
        hashed = await deps.hashes.hash(Password(PASSWORD))
        for first in range(0, count, 200):
            await asyncio.gather(*(_add(deps, number, hashed) for number in range(first, min(count, first + 200))))
    return {
        "threads": settings.hash_threads,
        "memory_kib": settings.argon2_memory_kib,
        "passes": settings.argon2_passes,
    }


async def _add(deps: Deps, number: int, hashed: str) -> None:
    email, now = email_of(number), deps.clock()
    person = await deps.people.person(new_id())
    account = Account(
        id=person.person_id,
        email_key=email_key(deps.index, email),
        email=person.seal(email, place("email", person.person_id)),
        name=person.seal(f"Customer {number}", place("name", person.person_id)),
        password=person.seal(hashed, place("password", person.person_id)),
        created_at=now,
        verified_at=now,
    )
    await deps.accounts.add(account, [])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(make(parser.parse_args().count))))


if __name__ == "__main__":
    main()
