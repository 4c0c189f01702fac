"""The subscriber's document in MongoDB, which two subjects share: subscriptions, and what is sent.

| field | whose | |
|---|---|---|
| `_id` | both | random, 32 hexadecimal digits |
| `address_key` | subscriptions | keyed hash of the address's cap identity, unique, for ever |
| `email`, `name` | subscriptions | sealed; gone once erased |
| `person` | subscriptions | whose data key opens them; another one for whoever returns after an erasure |
| `state`, `topics`, `language`, `consent`, `round`, `asks`, `changed_at`, `revision` | subscriptions | |
| `paused_until`, `fewer` | subscriptions | wishes of the reader; `sending` asks for both when it claims |
| `months` | sending | newsletters by month: `{"2026-11": 2}`, for ever |
| `live` | sending | the one claim that is being worked on: campaign, run, fence, stage, months, at |
| `issues` | sending | what became of each campaign: campaign, result, at |
| `issues[].returned` | bounces | that the copy came back or was complained about: kind, status, at |
| `deferred` | sending | campaigns that the relay has put off, until they end |
| `followups` | subscriptions | what follows which order when: campaign, order, due_at; gone with unsubscribing |
| `outbox` | subscriptions | events that wait to be published |
"""

from typing import Any

from shared import outbox
from shared.mongo import Database, Index, ensure_indexes

COLLECTION = "subscribers"

INDEXES = (
    Index("address_key", [("address_key", 1)], unique=True),
    Index("audience", [("state", 1), ("topics", 1), ("_id", 1)]),
    Index("live", [("live.campaign", 1), ("live.run", 1)], partial={"live.campaign": {"$exists": True}}),
    Index("issues", [("issues.campaign", 1), ("issues.result", 1)]),
    Index("deferred", [("deferred", 1)], partial={"deferred": {"$exists": True}}),
    Index(
        "followups",
        [("followups.campaign", 1), ("followups.due_at", 1)],
        partial={"followups.campaign": {"$exists": True}},
    ),
    Index(
        "returned",
        [("issues.campaign", 1), ("issues.returned.kind", 1)],
        partial={"issues.returned.kind": {"$exists": True}},
    ),
    outbox.INDEX,
)

UNCOUNTED: dict[str, Any] = {
    "months": {
        "$arrayToObject": {
            "$map": {
                "input": {"$objectToArray": {"$ifNull": ["$months", {}]}},
                "as": "month",
                "in": {
                    "k": "$$month.k",
                    "v": {
                        "$subtract": [
                            "$$month.v",
                            {"$cond": [{"$in": ["$$month.k", {"$ifNull": ["$live.months", []]}]}, 1, 0]},
                        ]
                    },
                },
            }
        }
    }
}
"""For an update pipeline's `$set`: the month counts without what the live claim has taken."""


async def ensure_subscriber_indexes(database: Database) -> None:
    """Create what is missing."""
    await ensure_indexes(database[COLLECTION], INDEXES)
