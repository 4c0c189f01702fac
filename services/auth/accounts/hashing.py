"""Argon2id (RFC 9106) off the event loop: few at once, a bounded queue, refusal before it drowns."""

import secrets

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from services.auth.accounts.hash_children import HashChildren
from services.auth.accounts.hash_pool import HashPool
from services.auth.accounts.passwords import Password
from services.auth.config import Settings


class PasswordHashes:
    """Makes and checks hashes, as many at once as the pool has threads.

    Args:
        settings: how they are made, how many at once, and how many may wait.
        apart: each thread has a process compute for it; else it computes by itself, for which argon2-cffi frees the
            interpreter lock.
    """

    def __init__(self, settings: Settings, *, apart: bool = False) -> None:
        self._children = (
            HashChildren(memory_kib=settings.argon2_memory_kib, passes=settings.argon2_passes) if apart else None
        )
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=1,
            hash_len=32,
            salt_len=16,
            type=Type.ID,
        )
        self._pool = HashPool(threads=settings.hash_threads, queue=settings.hash_queue)
        # In the pool, as all others: the allocator keeps the memory of a hash for each thread that ever made one.
        self._nobodys = self._pool.run_blocking(lambda: self._make(secrets.token_bytes(32)))
        self._wanted = extract_parameters(self._nobodys)

    async def hash(self, password: Password) -> str:
        """The hash in PHC string form.

        Raises:
            TransientError: the queue is full, or the processes die.
        """
        return await self._pool.run(lambda: self._make(password.as_bytes()))

    async def check(self, password: Password, hashed: str | None) -> bool:
        """Whether the password has this hash; the same work where there is none to compare with.

        Raises:
            TransientError: the queue is full.
        """
        matches = await self._pool.run(lambda: self._verify(hashed or self._nobodys, password))
        return matches and bool(hashed)

    def is_weak(self, hashed: str) -> bool:
        """Whether a hash in PHC string form was made with less than is asked for today, in any respect.

        One made with more in every respect stays as it is: lowering the settings weakens no password.
        """
        made = extract_parameters(hashed)
        return (
            made.type is not self._wanted.type
            or made.version < self._wanted.version
            or made.time_cost < self._wanted.time_cost
            or made.memory_cost < self._wanted.memory_cost
            or made.hash_len < self._wanted.hash_len
            or made.salt_len < self._wanted.salt_len
        )

    def close(self) -> None:
        """Let threads and processes end; what waits is not begun."""
        self._pool.close()
        if self._children is not None:
            self._children.close()

    def _make(self, password: bytes) -> str:
        return self._hasher.hash(password) if self._children is None else self._children.hash(password)

    def _verify(self, hashed: str, password: Password) -> bool:
        if self._children is not None:
            return self._children.matches(hashed, password.as_bytes())
        try:
            return self._hasher.verify(hashed, password.as_bytes())
        except (VerificationError, InvalidHashError):
            return False
