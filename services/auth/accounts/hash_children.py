"""Processes for Argon2id, one for each thread that asks: started when they are first needed, replaced when they die.

In the service's own process a hash, which steps back for everything else, would now and then hold the interpreter lock
while it waits for a processor, and the event loop with it (docs/performance.md).
"""

import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from services.auth.accounts import hash_worker
from services.auth.accounts.hash_worker import CHECK, HASH, YES, read_message, write_message
from shared.errors import TransientError

log = structlog.get_logger()

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""The memory of a hash, which is read all over, in pages of 2 MB where the kernel has some to give (glibc 2.35)."""
PATIENCE_S = 10.0
"""How long one hash may take: some hundred times what it does."""
_TRIES = 2


class HashChildren:
    """Hashes in children of this process. Blocks: to be called by a thread of the pool."""

    def __init__(self, *, memory_kib: int, passes: int, patience_s: float = PATIENCE_S) -> None:
        self._command = [sys.executable, "-I", str(Path(hash_worker.__file__)), str(memory_kib), str(passes)]
        self._patience_s = patience_s
        self._own = threading.local()
        self._all: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    @property
    def pids(self) -> list[int]:
        """Of those that run."""
        return [child.pid for child in self._all]

    def hash(self, password: bytes) -> str:
        """The hash in PHC string form.

        Raises:
            TransientError: the children die.
        """
        return self._ask([HASH, password]).decode()

    def matches(self, hashed: str, password: bytes) -> bool:
        """Whether the password has this hash.

        Raises:
            TransientError: as above.
        """
        return self._ask([CHECK, password, hashed.encode()]) == YES

    def close(self) -> None:
        """End them all. Who waits for one is told to come again."""
        self._is_closed = True
        for child in list(self._all):
            self._end(child)

    def _ask(self, request: Sequence[bytes]) -> bytes:
        """From a child that has died the question goes to the next one, for nothing has come of it."""
        for _ in range(_TRIES):
            if self._is_closed:
                break
            child = self._child()
            answer = self._answer(child, request)
            if answer:
                return answer[0]
            self._end(child)
            log.warning("hashing process ended", pid=child.pid)
        raise TransientError("passwords cannot be checked", retry_after_s=2)

    def _answer(self, child: subprocess.Popen[bytes], request: Sequence[bytes]) -> list[bytes]:
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(OSError, ValueError):  # dead, or closed by another thread
            write_message(child.stdin, request)
            if select.select([child.stdout], [], [], self._patience_s)[0]:
                return read_message(child.stdout)
        return []

    def _child(self) -> subprocess.Popen[bytes]:
        known: subprocess.Popen[bytes] | None = getattr(self._own, "child", None)
        if known is not None and known in self._all:
            return known
        # A session of its own: a signal to the service's group is for the service. Our environment holds secrets.
        child = subprocess.Popen(  # noqa: S603 - this interpreter and a file of ours
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=HUGE_PAGES, start_new_session=True,
        )  # fmt: skip
        self._own.child = child
        self._all.add(child)
        return child

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        self._all.discard(child)
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            with suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()
