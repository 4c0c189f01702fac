"""The chain of disclosures, in memory."""

from services.mailer.disclosure.domain import DisclosureEntry
from services.mailer.disclosure.trail import Decide, TrailIsBroken, Verified, document_of, entry_after, verified
from shared.chains import Chain
from shared.clock import Clock
from shared.keys import KeyProvider
from shared.mongo import Document


class MemoryDisclosures:
    """`Disclosures` in a list, which tests may damage."""

    def __init__(self, keys: KeyProvider, clock: Clock) -> None:
        self.stored: list[Document] = []
        self._chain = Chain(keys)
        self._clock = clock

    async def append(self, decide: Decide) -> DisclosureEntry | None:
        """See `Disclosures.append`."""
        seen = await self.verify()
        if seen.faults:
            raise TrailIsBroken
        draft = decide(seen.entries)
        if draft is None:
            return None
        entry = entry_after(seen, draft, self._clock, self._chain)
        self.stored.append(document_of(entry, self._chain.hash_of(entry, after=seen.head)))
        return entry

    async def verify(self) -> Verified:
        """See `Disclosures.verify`."""
        return verified(self.stored, self._chain)
