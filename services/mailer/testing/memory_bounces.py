"""What came back, in memory."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from services.mailer.bounces.reading import Kind
from services.mailer.bounces.store import LOOKED_AT, Noted, Return
from services.mailer.bounces.tags import Stream, mark_of
from services.mailer.testing.memory import Record, Records
from shared.errors import TransientError


class MemoryReturns:
    """`Returns` over the records of `MemorySubscribers`."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.returned: dict[tuple[str, str], Kind] = {}

    async def note(self, back: Return) -> Noted | None:
        """See `Returns.note`."""
        found = self._record(back)
        if found is None:
            return None
        subscriber_id, record = found
        if back.tag.stream is Stream.SERVICE:
            return Noted(subscriber_id, is_over=_is_over(record, back.tag.written_at))
        if not back.tag.mark:
            return Noted(subscriber_id)
        campaign_id = next((each for each in record.issues if mark_of(each) == back.tag.mark), "")
        if not campaign_id:
            if record.live and mark_of(record.live.terms.campaign_id) == back.tag.mark:
                raise TransientError("what became of the copy is not stored yet")
            return None
        known = self.returned.get((subscriber_id, campaign_id))
        is_new = known is None or (known is Kind.SOFT and back.kind is not Kind.SOFT)
        if is_new:
            self.returned[subscriber_id, campaign_id] = back.kind
        latest = [*record.issues][-LOOKED_AT:]
        soft = sum(self.returned.get((subscriber_id, each)) is Kind.SOFT for each in latest)
        return Noted(subscriber_id, campaign_id, is_new, soft, _is_over(record, record.ended[campaign_id]))

    async def counts(self, campaign_id: str) -> Mapping[Kind, int]:
        """See `Returns.counts`."""
        return Counter(kind for (_, campaign), kind in self.returned.items() if campaign == campaign_id)

    def _record(self, back: Return) -> tuple[str, Record] | None:
        if back.tag.stream is Stream.NEWSLETTER:
            record = self.records.get(back.tag.id)
            return None if record is None else (back.tag.id, record)
        keys = ((key, each) for key, each in self.records.items() if each.subscription.address_key[:32] == back.tag.id)
        return next(keys, None)


def _is_over(record: Record, sent_at: datetime | None) -> bool:
    confirmed_at = record.subscription.consent.confirmed_at
    return bool(sent_at and confirmed_at and sent_at < confirmed_at)
