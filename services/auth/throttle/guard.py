"""Who may try once more, and who must wait: one place for all limits.

A try counts for its subject, such as an address, and for the network that it comes from. Nobody learns here whether an
address is known: the count is by its blind index, whoever has it.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from services.auth.refusals import TooManyTries
from services.auth.throttle.store import Limit, MailLimit, Tries
from shared.clock import Clock
from shared.errors import DomainError, TransientError
from shared.personal import BlindIndex

_KNOWN = "known"
_WITHIN = timedelta(minutes=15)


class Guard:
    """Counts tries for a subject, and by the network that they come from.

    Args:
        tries: where they are counted.
        clock: aware UTC.
        index: turns a network into what is stored of it.
        per_network: how many tries one network has in 15 minutes, over all limits and subjects.
    """

    def __init__(self, tries: Tries, clock: Clock, *, index: BlindIndex, per_network: int) -> None:
        self._tries = tries
        self._clock = clock
        self._index = index
        self._of_network = Limit("network", most=per_network, within=_WITHIN)

    async def admit(self, limit: Limit, subject: str, *, network: str = "", known: bool = False) -> None:
        """Count one try of what may be done only so often, however it ends.

        Args:
            limit: how often.
            subject: what it is tried for, such as the blind index of an address; never a value in clear.
            network: of the client (`shared.http.client.network_of`); "" counts for no network.
            known: the browser showed that it is the owner's (`known_browser`); it has tries of its own, so that
                strangers cannot use up the owner's.

        Raises:
            TooManyTries: with how long to wait. The try then counts for neither the subject nor the network.
        """
        at, keyed = self._clock(), self._keyed(network)
        places = [(limit, _bucket(subject, known=known))]
        if keyed:
            places.append((self._of_network, keyed))
        waits = await asyncio.gather(*(self._tries.take(which, key, at=at) for which, key in places))
        wait = max((each for each in waits if each is not None), default=None)
        if wait is None:
            return
        taken = [place for place, refused in zip(places, waits, strict=True) if refused is None]
        await asyncio.gather(*(self._tries.give_back(which, key, at=at) for which, key in taken))
        raise _refusal(wait)

    @asynccontextmanager
    async def attempt(
        self, limit: Limit, subject: str, *, network: str = "", known: bool = False
    ) -> AsyncIterator[None]:
        """Somebody shows who they are in the block: a try that counts at once, until the block ends well.

        For the network it counts only where the block refuses it (`DomainError`): most who log in are who they say.
        Of many at once a few more may then be let through, never more for one subject. What could not be judged
        (`TransientError`) counts for nobody. Arguments as `admit`.

        Raises:
            TooManyTries: with how long to wait. The try then counts for neither the subject nor the network.
        """
        at, bucket, keyed = self._clock(), _bucket(subject, known=known), self._keyed(network)
        closed, wait = await asyncio.gather(self._closed(keyed, at), self._tries.take(limit, bucket, at=at))
        if closed is not None and wait is None:
            await self._tries.give_back(limit, bucket, at=at)
        if closed is not None or wait is not None:
            raise _refusal(max(each for each in (closed, wait) if each is not None))
        try:
            yield
        except TransientError:
            await self._tries.give_back(limit, bucket, at=at)
            raise
        except DomainError:
            if keyed:
                await self._tries.take(self._of_network, keyed, at=at)
            raise
        await self._tries.forget(limit, bucket)

    async def admit_network(self, network: str) -> None:
        """Count one try of whatever has no subject, or one whose limit must not be told, such as a new account.

        Raises:
            TooManyTries: with how long to wait.
        """
        if network:
            wait = await self._tries.take(self._of_network, self._keyed(network), at=self._clock())
            if wait is not None:
                raise _refusal(wait)

    async def admit_mail(self, limit: MailLimit, subject: str, *, network: str, known: bool = False) -> None:
        """Count one mail to an address.

        Args:
            limit: how many.
            subject: the blind index of the address.
            network: whence it is asked for; "" is a network too, of all that are not known.
            known: as `admit`.

        Raises:
            TooManyTries: with how long to wait at most.
        """
        at, bucket = self._clock(), _bucket(subject, known=known)
        own = f"{bucket}:{self._keyed(network)}"
        if await self._tries.take(limit.from_one, own, at=at) is None:
            if await self._tries.take(limit.from_all, bucket, at=at) is None:
                return
            await self._tries.give_back(limit.from_one, own, at=at)
        wait = await self._tries.take(limit.beyond, bucket, at=at)
        if wait is not None:
            raise _refusal(wait)

    async def forget(self, limit: Limit, subject: str) -> None:
        """Begin anew for everybody: the owner has shown to be it in another way, such as by a mailed link."""
        await asyncio.gather(*(self._tries.forget(limit, _bucket(subject, known=known)) for known in (False, True)))

    async def _closed(self, keyed: str, at: datetime) -> timedelta | None:
        return await self._tries.wait(self._of_network, keyed, at=at) if keyed else None

    def _keyed(self, network: str) -> str:
        return self._index.of("network", network) if network else ""


def _bucket(subject: str, *, known: bool) -> str:
    return f"{subject}:{_KNOWN}" if known else subject


def _refusal(wait: timedelta) -> TooManyTries:
    # RFC 9110 section 10.2.3: whole seconds; one more than were needed would be refused less often than one too few.
    return TooManyTries(retry_after_s=math.floor(wait.total_seconds()) + 1)
