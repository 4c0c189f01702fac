"""Who may try once more, and who must wait: one place for all limits."""

from services.auth.refusals import TooManyTries
from services.auth.throttle.store import Limit, Tries
from shared.clock import Clock


class Guard:
    """Counts tries for a subject, and by the network that they come from."""

    def __init__(self, tries: Tries, clock: Clock) -> None:
        self._tries = tries
        self._clock = clock

    async def admit(self, limit: Limit, subject: str, *, network: str = "", known: bool = False) -> None:
        """Count one try.

        Args:
            limit: how often.
            subject: what it is tried for, such as the blind index of an address; never a value in clear.
            network: of the client (`shared.http.client.network_of`); "" counts for no network.
            known: the browser showed that it is the owner's; it has tries of its own, so that strangers cannot
                use up the owner's.

        Raises:
            TooManyTries: with how long to wait.
        """
        wait = await self._tries.take(limit, subject, at=self._clock())
        if wait is not None:
            raise TooManyTries(retry_after_s=int(wait.total_seconds()) + 1)

    async def forget(self, limit: Limit, subject: str) -> None:
        """Begin anew: the owner has got in."""
        await self._tries.forget(limit, subject)
