"""The pool that computes Argon2id."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from services.auth.accounts.hashing import PasswordHashes
from services.auth.accounts.passwords import Password
from shared.errors import TransientError
from tests.unit.auth.doubles import PASSWORD, some_settings


@pytest.fixture
def hashes() -> Iterator[PasswordHashes]:
    hashes = PasswordHashes(some_settings(hash_threads=1, hash_queue=2))
    yield hashes
    hashes.close()


async def test_a_hash_is_argon2id_and_checks(hashes: PasswordHashes) -> None:
    hashed = await hashes.hash(Password(PASSWORD))

    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await hashes.check(Password(PASSWORD), hashed)
    assert not await hashes.check(Password("another password"), hashed)


@pytest.mark.parametrize("hashed", [None, "", "no hash", "$argon2id$v=19$m=8"])
async def test_nothing_to_compare_with_is_never_right(hashes: PasswordHashes, hashed: str | None) -> None:
    assert not await hashes.check(Password(PASSWORD), hashed)


async def test_settings_in_production_are_those_of_the_promise() -> None:
    settings = some_settings()
    defaults = {name: field.default for name, field in type(settings).model_fields.items()}

    assert (defaults["argon2_memory_kib"], defaults["argon2_passes"]) == (19 * 1024, 2)


async def test_every_processor_hashes_unless_told() -> None:
    assert type(some_settings()).model_fields["hash_threads"].default == min(64, os.cpu_count() or 1)


async def test_a_full_queue_refuses_at_once_and_recovers(hashes: PasswordHashes) -> None:
    checks = [hashes.check(Password(PASSWORD), None) for _ in range(6)]

    outcomes = await asyncio.gather(*checks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [bool] * 3 + [TransientError] * 3
    assert not await hashes.check(Password(PASSWORD), None)


async def test_a_caller_that_left_gives_its_place_back(hashes: PasswordHashes) -> None:
    for _ in range(10):
        gone = asyncio.create_task(hashes.check(Password(PASSWORD), None))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert not await hashes.check(Password(PASSWORD), None)


@pytest.mark.parametrize(
    ("made_with", "is_weak"),
    [
        ({"argon2_passes": 2, "argon2_memory_kib": 16}, False),
        ({"argon2_passes": 3, "argon2_memory_kib": 32}, False),
        ({"argon2_passes": 1, "argon2_memory_kib": 32}, True),
        ({"argon2_passes": 3, "argon2_memory_kib": 8}, True),
    ],
)
async def test_a_hash_is_weak_that_was_made_with_less_of_anything(made_with: dict[str, int], is_weak: bool) -> None:
    old = PasswordHashes(some_settings(**made_with))
    new = PasswordHashes(some_settings(argon2_passes=2, argon2_memory_kib=16))
    try:
        assert new.is_weak(await old.hash(Password(PASSWORD))) is is_weak
    finally:
        old.close()
        new.close()
