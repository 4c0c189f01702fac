"""Dead letters of one service: list them, read one, send them back to where they failed.

Sealed fields stay sealed: a letter is shown as it lies in the queue. Looking takes nothing out; a replay is confirmed
by the broker before the letter is removed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.broker import Letter, open_bus, open_letters
from shared.bus import Outgoing
from shared.consumer import ATTEMPT, DIED_AT, QUEUE, REASON
from shared.errors import NotFound
from shared.topology import DELAYS_S, dead_queue, retry_exchange


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What one failed delivery was, and why it failed. `died_at` RFC 3339; `attempts` counts the delayed retries."""

    id: str
    queue: str
    reason: str
    attempts: int
    died_at: str
    body: bytes


async def list_dead(amqp_url: str, service: str, limit: int = 100) -> list[DeadLetter]:
    """The oldest `limit` dead letters of `service`."""
    async with _letters(amqp_url, service) as letters:
        return [_read(letter) async for letter in _first(letters, limit)]


async def show_dead(amqp_url: str, service: str, id: str) -> DeadLetter:
    """One dead letter by its event's id.

    Raises:
        NotFound: there is none.
    """
    async with _letters(amqp_url, service) as letters:
        async for letter in letters:
            if letter.delivery.message_id == id:
                return _read(letter)
    raise NotFound(f"no dead letter {id}")


async def replay_dead(amqp_url: str, service: str, id: str | None = None) -> int:
    """Send one dead letter, or all where `id` is None, back to the queue where it failed; how many went.

    It goes through the shortest delay queue, for a service may publish nowhere else, and starts its count anew.
    """
    replayed = 0
    async with open_bus(amqp_url, name=f"{service} replay") as bus, _letters(amqp_url, service) as letters:
        async for letter in letters:
            if id is not None and letter.delivery.message_id != id:
                continue
            queue = _read(letter).queue
            if not queue.startswith(f"{service}."):
                continue
            back = retry_exchange(service, DELAYS_S[0])
            await bus.publish([Outgoing(back, queue, letter.delivery.body, letter.delivery.message_id)])
            await letter.remove()
            replayed += 1
    return replayed


@asynccontextmanager
async def _letters(amqp_url: str, service: str) -> AsyncIterator[AsyncIterator[Letter]]:
    async with open_letters(amqp_url, dead_queue(service)) as letters:
        yield letters


async def _first(letters: AsyncIterator[Letter], limit: int) -> AsyncIterator[Letter]:
    for _ in range(limit):
        try:
            yield await anext(letters)
        except StopAsyncIteration:
            return


def _read(letter: Letter) -> DeadLetter:
    headers = letter.delivery.headers
    attempts = headers.get(ATTEMPT, 0)
    return DeadLetter(
        id=letter.delivery.message_id,
        # A letter that the broker itself buried (delivery limit) has no headers of ours, but its own record.
        queue=str(headers.get(QUEUE) or headers.get("x-first-death-queue", "")),
        reason=str(headers.get(REASON) or headers.get("x-first-death-reason", "")),
        attempts=attempts if isinstance(attempts, int) else 0,
        died_at=str(headers.get(DIED_AT, "")),
        body=letter.delivery.body,
    )
