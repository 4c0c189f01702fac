"""A process that does nothing but Argon2id: reads requests on standard input, answers on standard output, one by one.

Run as a script by `services.auth.accounts.hash_children`; imports nothing of ours. It ends with its parent, whose end
closes the pipe. Passwords come through the pipe alone: never as arguments, in the environment or in a core.

A message is a list of byte strings: how many there are in 1 byte, then each behind its length in 4, big-endian.
"""

import os
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

NICE = 10
HASH, CHECK = b"hash", b"check"
YES, NO = b"yes", b"no"
_LENGTH_BYTES = 4


def write_message(stream: IO[bytes], parts: Sequence[bytes]) -> None:
    """Send a message."""
    framed = [len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts]
    stream.write(bytes([len(parts)]) + b"".join(framed))
    stream.flush()


def read_message(stream: IO[bytes]) -> list[bytes]:
    """The next message; empty where the other side is gone, before it or in its midst."""
    count = stream.read(1)
    parts: list[bytes] = []
    for _ in range(count[0] if count else 0):
        head = stream.read(_LENGTH_BYTES)
        size_bytes = int.from_bytes(head, "big")
        part = stream.read(size_bytes)
        if len(head) < _LENGTH_BYTES or len(part) < size_bytes:
            return []
        parts.append(part)
    return parts


def main() -> None:
    """Answer until nobody asks any more. Whoever has a short thing to do takes the processor from a hash at once."""
    from argon2 import PasswordHasher, Type
    from argon2.exceptions import InvalidHashError, VerificationError

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        os.nice(NICE)
    memory_kib, passes = map(int, sys.argv[1:3])
    hasher = PasswordHasher(
        time_cost=passes, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
    )
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while request := read_message(requests):
        if request[0] == HASH:
            answer = hasher.hash(request[1]).encode()
        else:
            try:
                hasher.verify(request[2], request[1])
                answer = YES
            except (VerificationError, InvalidHashError):
                answer = NO
        write_message(answers, [answer])


if __name__ == "__main__":
    with suppress(BrokenPipeError, KeyboardInterrupt):
        main()
