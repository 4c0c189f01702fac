"""Processes that hash: they step back, hold no secret, die with their parent, and are replaced when they die before."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.auth.accounts.hash_children import HashChildren
from services.auth.accounts.hashing import PasswordHashes
from services.auth.accounts.passwords import Password
from shared.errors import TransientError
from tests.unit.auth.doubles import PASSWORD, some_settings

SECRET = b"correct horse battery"


@pytest.fixture
def children() -> Iterator[HashChildren]:
    children = HashChildren(memory_kib=8, passes=1, patience_s=5)
    yield children
    children.close()


def test_a_password_matches_its_hash_alone(children: HashChildren) -> None:
    hashed = children.hash(SECRET)

    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert children.matches(hashed, SECRET)
    assert not children.matches(hashed, SECRET + b"!")
    assert not children.matches("no hash at all", SECRET)
    assert len(children.pids) == 1


@pytest.mark.parametrize("password", [b"", b"\0", b"\xff" * 1024, "時計".encode()])
def test_any_bytes_come_through(children: HashChildren, password: bytes) -> None:
    assert children.matches(children.hash(password), password)


def test_one_that_was_killed_is_replaced(children: HashChildren) -> None:
    hashed = children.hash(SECRET)
    [before] = children.pids
    os.kill(before, signal.SIGKILL)

    assert children.matches(hashed, SECRET)

    assert before not in children.pids
    assert not Path(f"/proc/{before}").exists()  # and waited for


def test_one_that_stands_still_is_replaced() -> None:
    children = HashChildren(memory_kib=8, passes=1, patience_s=3)  # a new one starts within that on a busy machine
    hashed = children.hash(SECRET)
    [before] = children.pids
    os.kill(before, signal.SIGSTOP)

    assert children.matches(hashed, SECRET)

    assert before not in children.pids
    children.close()


def test_where_all_die_the_answer_is_to_come_again() -> None:
    children = HashChildren(memory_kib=0, passes=0)  # Argon2 refuses that, and the process ends

    with pytest.raises(TransientError):
        children.hash(SECRET)

    assert children.pids == []


def test_no_secret_stands_where_others_can_read_it(children: HashChildren, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADLOCK_MONGO_URL", "mongodb://auth:of-the-database@nowhere")
    children.hash(SECRET)
    [pid] = children.pids
    place = Path(f"/proc/{pid}")

    shown = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()

    assert SECRET not in shown
    assert b"of-the-database" not in shown
    cores = next(line for line in (place / "limits").read_text().splitlines() if line.startswith("Max core file size"))
    assert cores.split()[4:6] == ["0", "0"]


def test_hashes_step_back_and_nobody_else_does(children: HashChildren) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    children.hash(SECRET)

    [pid] = children.pids
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, before + 10)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_hash_has_its_memory_in_huge_pages_where_the_kernel_gives_them_to_who_asks() -> None:
    children = HashChildren(memory_kib=19_456, passes=1)
    try:
        children.hash(SECRET)
        [pid] = children.pids
        areas = Path(f"/proc/{pid}/smaps").read_text().split("VmFlags:")
    finally:
        children.close()
    heap = next(after for before, after in itertools.pairwise(areas) if "[heap]" in before)

    offers = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    is_asked_for = offers.exists() and "[madvise]" in offers.read_text()
    assert ("hg" in heap.splitlines()[0].split()) == is_asked_for  # proc(5): advised to use them


_DIES = """
import os, signal
from services.auth.accounts.hash_children import HashChildren
children = HashChildren(memory_kib=8, passes=1)
children.hash(b"x")
print(children.pids[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_they_end_with_their_parent_however_it_dies() -> None:
    parent = subprocess.run([sys.executable, "-c", _DIES], stdout=subprocess.PIPE, check=False, timeout=30)
    child = Path(f"/proc/{int(parent.stdout)}")

    async with asyncio.timeout(10):
        while child.exists() and ") Z " not in (child / "stat").read_text():
            await asyncio.sleep(0.01)


async def test_as_many_at_once_as_the_pool_has_threads() -> None:
    hashes = PasswordHashes(some_settings(hash_threads=2), apart=True)
    try:
        hashed = await hashes.hash(Password(PASSWORD))
        right = await asyncio.gather(*(hashes.check(Password(PASSWORD), hashed) for _ in range(20)))

        assert all(right)
        assert not await hashes.check(Password("another password"), hashed)
        assert not await hashes.check(Password(PASSWORD), None)
    finally:
        hashes.close()


async def test_what_is_asked_of_a_closed_one_is_told_to_come_again() -> None:
    hashes = PasswordHashes(some_settings(), apart=True)
    hashed = await hashes.hash(Password(PASSWORD))
    assert hashes._children is not None
    hashes._children.close()

    assert hashes._children.pids == []
    with pytest.raises(TransientError):
        await hashes.check(Password(PASSWORD), hashed)
    hashes.close()
