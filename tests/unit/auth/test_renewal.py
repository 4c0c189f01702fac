"""A login raises the parameters of the password's hash to what is asked for today."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from services.auth.accounts.domain import Account
from services.auth.accounts.hashing import PasswordHashes
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.deps import Deps
from services.auth.people import place
from services.auth.refusals import AccountChanged, WrongCredentials
from services.auth.sessions.login import Credentials, log_in
from services.auth.sessions.visit import Visit
from services.auth.trail.pending import Noted
from shared.errors import TransientError
from shared.events import Event
from tests.unit.auth.doubles import PASSWORD, MemoryAccounts, World, some_notes, some_settings

ANN = "ann@shop.example"
OLD, NEW = "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=8,t=2,p=1$"


class BusyHashes(PasswordHashes):
    """Checks, but has no room to make one."""

    async def hash(self, password: Password) -> str:
        raise TransientError("too many passwords are being checked")


class UnwritableAccounts(MemoryAccounts):
    """Refuses each change."""

    def __init__(self, stored: dict[str, Account], refusal: Exception) -> None:
        super().__init__(some_notes())
        self.stored = stored
        self._refusal = refusal

    async def save(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> Account:
        raise self._refusal


@pytest.fixture
async def ann(world: World) -> Account:
    """A verified customer."""
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    [account] = world.accounts.stored.values()
    return account


@pytest.fixture
def raised(world: World) -> Iterator[Deps]:
    """The same stores, once more passes are asked for."""
    hashes = PasswordHashes(some_settings(argon2_passes=2))
    yield replace(world.deps, hashes=hashes)
    hashes.close()


async def enter(deps: Deps, password: str = PASSWORD) -> None:
    await log_in(deps, Credentials(ANN, Password(password)), remember=False, visit=Visit("Firefox"))


async def hash_of(world: World, account: Account) -> str:
    person = await world.deps.people.known(account.id)
    stored = world.accounts.stored[account.id]
    return person.open(stored.password, place("password", account.id), purpose="login").decode()


async def test_the_next_login_hashes_with_todays_parameters(ann: Account, raised: Deps, world: World) -> None:
    assert (await hash_of(world, ann)).startswith(OLD)

    await enter(raised)

    assert (await hash_of(world, ann)).startswith(NEW)
    await enter(raised)


async def test_a_strong_hash_is_not_written_again(ann: Account, raised: Deps, world: World) -> None:
    await enter(raised)
    after = world.accounts.stored[ann.id]

    await enter(raised)

    assert world.accounts.stored[ann.id] == after


async def test_renewing_is_no_change_of_password(ann: Account, raised: Deps, world: World) -> None:
    await enter(raised)

    assert world.accounts.stored[ann.id].password_serial == ann.password_serial


async def test_a_wrong_password_renews_nothing(ann: Account, raised: Deps, world: World) -> None:
    with pytest.raises(WrongCredentials):
        await enter(raised, "not the right password")

    assert world.accounts.stored[ann.id] == ann


@pytest.mark.parametrize("refusal", [AccountChanged(), TransientError("database")])
async def test_what_cannot_be_saved_leaves_the_login_as_it_is(
    ann: Account, raised: Deps, world: World, refusal: Exception
) -> None:
    await enter(replace(raised, accounts=UnwritableAccounts(world.accounts.stored, refusal)))

    assert world.accounts.stored[ann.id] == ann
    assert len(world.sessions.stored) == 1


async def test_a_full_queue_leaves_the_login_as_it_is(ann: Account, world: World) -> None:
    hashes = BusyHashes(some_settings(argon2_passes=2))

    await enter(replace(world.deps, hashes=hashes))

    assert world.accounts.stored[ann.id] == ann
    assert len(world.sessions.stored) == 1
    hashes.close()
