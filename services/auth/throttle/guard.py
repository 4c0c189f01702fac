"""Who may try once more, and who must wait: one place for all limits.

A try counts for its subject, such as an address, and for the network that it comes from. Nobody learns here whether an
address is known: the count is by its blind index, whoever has it.
"""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.auth.refusals import TooManyTries
from services.auth.throttle.store import Limit, Tries
from shared.clock import Clock
from shared.personal import BlindIndex

_KNOWN = "known"
_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Admission:
    """A try that was let through: what `Guard.succeeded` needs. `network` is keyed; "" where none was counted."""

    limit: Limit
    subject: str
    network: str
    at: datetime


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

    async def admit(self, limit: Limit, subject: str, *, network: str = "", known: bool = False) -> Admission:
        """Count one try.

        Args:
            limit: how often.
            subject: what it is tried for, such as the blind index of an address; never a value in clear.
            network: of the client (`shared.http.client.network_of`); "" counts for no network.
            known: the browser showed that it is the owner's (`known_browser`); it has tries of its own, so that
                strangers cannot use up the owner's.

        Raises:
            TooManyTries: with how long to wait. The try then counts for neither the subject nor the network.
        """
        at = self._clock()
        admission = Admission(limit, _bucket(subject, known=known), self._keyed(network), at)
        places = [(limit, admission.subject)]
        if admission.network:
            places.append((self._of_network, admission.network))
        waits = await asyncio.gather(*(self._tries.take(which, key, at=at) for which, key in places))
        wait = max((each for each in waits if each is not None), default=None)
        if wait is None:
            return admission
        taken = [place for place, refused in zip(places, waits, strict=True) if refused is None]
        await asyncio.gather(*(self._tries.give_back(which, key, at=at) for which, key in taken))
        raise _refusal(wait)

    async def admit_network(self, network: str) -> None:
        """Count one try of whatever has no subject, or one whose limit must not be told, such as a new account.

        Raises:
            TooManyTries: with how long to wait.
        """
        if network:
            wait = await self._tries.take(self._of_network, self._keyed(network), at=self._clock())
            if wait is not None:
                raise _refusal(wait)

    async def succeeded(self, admission: Admission) -> None:
        """It was the owner: the subject's count begins anew, and the network has its place back.

        Tries of strangers do not begin anew because the owner got in with a browser that is known.
        """
        done = [self._tries.forget(admission.limit, admission.subject)]
        if admission.network:
            done.append(self._tries.give_back(self._of_network, admission.network, at=admission.at))
        await asyncio.gather(*done)

    async def forget(self, limit: Limit, subject: str) -> None:
        """Begin anew for everybody: the owner has shown to be it in another way, such as by a mailed link."""
        await asyncio.gather(*(self._tries.forget(limit, _bucket(subject, known=known)) for known in (False, True)))

    def _keyed(self, network: str) -> str:
        return self._index.of("network", network) if network else ""


def _bucket(subject: str, *, known: bool) -> str:
    return f"{subject}:{_KNOWN}" if known else subject


def _refusal(wait: timedelta) -> TooManyTries:
    # RFC 9110 section 10.2.3: whole seconds; one more than were needed would be refused less often than one too few.
    return TooManyTries(retry_after_s=math.floor(wait.total_seconds()) + 1)
