"""The collections that grow with orders and with subscribers, and what the services ask of them."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.newsletters import TOPIC
from bench.scaling.growth import DURABLE, Figures, Kind, timed
from bench.scaling.model import depth, straight
from services.mailer.months import Calendar
from services.mailer.sending.domain import Span, Terms
from services.mailer.sending.mongo import MongoClaims
from shared.caps import DEFAULT, CapTable
from shared.ids import new_token

CLAIM = 1_000
RANGE = 10_000
CLAIMS = 5


async def claims(database: Any, size: int, figures: Figures) -> None:
    """What a run of newsletters asks: a range, who is next in it, the claim of a thousand, and the forecast."""
    subscribers = database["subscribers"]
    store = MongoClaims(database.client.get_database(database.name, write_concern=DURABLE))
    place = Calendar(ZoneInfo("Asia/Tokyo"), CapTable.parse(DEFAULT)).place_at(datetime.now(UTC))
    terms = Terms("c", TOPIC, place, "bench", new_token(12), datetime.now(UTC))
    middle = (await subscribers.find({}, {"_id": 1}).sort("_id", 1).skip(size // 4).limit(1).to_list(None))[0]["_id"]
    boundary_s = await timed(lambda: store.boundary(terms, after=middle, size=min(RANGE, size // 4)), 3)
    figures.add(f"boundary of a range of {RANGE:,}", "ms", size, boundary_s * 1000, depth)
    claimed, candidates_s, claim_s, cpu_s = 0, [], [], time.process_time()
    after = middle
    for _ in range(CLAIMS):
        began = time.perf_counter()
        ids = await store.candidates(terms, Span(after, "\U0010ffff"), limit=CLAIM)
        candidates_s.append(time.perf_counter() - began)
        began = time.perf_counter()
        claimed += len(await store.claim(ids, terms))
        claim_s.append(time.perf_counter() - began)
        after = ids[-1]
    assert claimed == CLAIMS * CLAIM
    figures.add(f"{CLAIM:,} candidates", "ms", size, sorted(candidates_s)[CLAIMS // 2] * 1000, depth)
    figures.add(f"claim of {CLAIM:,}", "ms", size, sorted(claim_s)[CLAIMS // 2] * 1000, depth)
    figures.add("a claim's processor time in mailer", "us", size, (time.process_time() - cpu_s) * 1e6 / claimed, depth)
    forecast_s = await timed(lambda: store.forecast("c2", TOPIC, place, at=datetime.now(UTC)), 1)
    figures.add("forecast of a campaign", "ms", size, forecast_s * 1000, straight)
    await subscribers.update_many({"live.campaign": "c"}, {"$set": {"months": {}}, "$unset": {"live": ""}})


def _of(name: str) -> Any:
    """A look-up by one field, which may be a path."""

    def find(document: Mapping[str, Any]) -> dict[str, Any]:
        value: Any = document
        for part in name.split("."):
            value = value.get(part, "") if isinstance(value, Mapping) else ""
        return {"filter": {name: value}, "limit": 1}

    return find


def _newest(name: str, **sort: int) -> Any:
    return lambda document: {"filter": {name: document.get(name, "nobody")}, "sort": sort, "limit": 20}


KINDS = {
    "orders": Kind(
        "orders", "orders", "orders",
        {
            "an order by its id": _of("_id"),
            "by its number": _of("number"),
            "by its idempotency key": _of("attempt.key"),
            "20 of an account": _newest("account_id", _id=-1),
            "50 of the desk, by state": lambda each: {
                "filter": {"status": each["status"]}, "sort": {"_id": -1}, "limit": 50
            },
            "what a sweep must finish": lambda _: {"filter": {"unfinished": True}, "sort": {"_id": 1}, "limit": 100},
            "what waits to be published": lambda _: {"filter": {"outbox.at": {"$exists": True}}, "limit": 500},
        },
        pooled={"account_id": 5},
    ),
    "records": Kind(
        "records", "warranty", "purchases",
        {
            "a record by its id": _of("_id"),
            "20 of an owner": _newest("owner_key", purchased_at=-1, _id=-1),
            "those of an order": _of("order_id"),
        },
        pooled={"owner_key": 5},
    ),
    "subscribers": Kind(
        "subscribers", "mailer", "subscribers",
        {"a subscriber by its id": _of("_id"), "by its address": _of("address_key")},
        extra=claims,
    ),
    "keys": Kind("keys", "orders", "data_keys", {"a person's key": _of("_id")}, is_keys=True),
    "accounts": Kind(
        "accounts", "auth", "accounts", {"an account by its id": _of("_id"), "by its address": _of("email_key")}
    ),
}  # fmt: skip
