"""Argon2id (RFC 9106) off the event loop: few at once, a bounded queue, refusal before it drowns."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from services.auth.accounts.passwords import Password
from services.auth.config import Settings
from shared.errors import TransientError

ResultT = TypeVar("ResultT")


class PasswordHashes:
    """Makes and checks hashes in a pool of threads; argon2-cffi frees the interpreter lock while it computes."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=1,
            hash_len=32,
            salt_len=16,
            type=Type.ID,
        )
        self._pool = ThreadPoolExecutor(settings.hash_threads, thread_name_prefix="argon2")
        self._places = BoundedSemaphore(settings.hash_threads + settings.hash_queue)
        # In the pool, as all others: the allocator keeps the memory of a hash for each thread that ever made one.
        self._nobodys = self._pool.submit(self._hasher.hash, secrets.token_bytes(32)).result()

    async def hash(self, password: Password) -> str:
        """The hash in PHC string form.

        Raises:
            TransientError: the queue is full.
        """
        return await self._run(lambda: self._hasher.hash(password.as_bytes()))

    async def check(self, password: Password, hashed: str | None) -> bool:
        """Whether the password has this hash; the same work where there is none to compare with.

        Raises:
            TransientError: the queue is full.
        """
        matches = await self._run(lambda: self._verify(hashed or self._nobodys, password))
        return matches and bool(hashed)

    def close(self) -> None:
        """Let the threads end; what waits is not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, compute: Callable[[], ResultT]) -> ResultT:
        if not self._places.acquire(blocking=False):
            raise TransientError("too many passwords are being checked", retry_after_s=2)
        future = self._pool.submit(compute)
        # Given back when the computation ends, not when its caller goes away: a cancelled one may still be running.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def _verify(self, hashed: str, password: Password) -> bool:
        try:
            return self._hasher.verify(hashed, password.as_bytes())
        except (VerificationError, InvalidHashError):
            return False
