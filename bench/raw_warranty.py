"""Raw prototype of warranty: purchase event to one record for each item, natural keys, acks after the write."""

import asyncio
import hashlib
import hmac
import os
from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from typing import Any

import aiormq
import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.raw_parts import Group, People, Reader, open_database, run, seal

QUEUE = "warranty.purchases"
PREFETCH = 200
TOKYO = timezone(timedelta(hours=9))


class Records:
    """From an event to its records, as ours does it and with the same tricks."""

    def __init__(self, database: Any, secret: bytes) -> None:
        self._purchases = Group(database["purchases"])
        self._people = People(database["data_keys"], AESGCM(secret))
        self._index_key = secret
        self._reader = Reader(secret)

    async def record(self, body: bytes) -> None:
        data, owner = read(body, self._reader)
        aes = await self._people.key_of(owner) if owner else None
        await asyncio.gather(
            *(self._purchases.insert(document_of(data, item, owner, aes, self._index_key)) for item in data["items"])
        )


def read(body: bytes, reader: Reader) -> tuple[dict[str, Any], str]:
    """The data of a purchase event, and whose it is."""
    event = orjson.loads(body)
    data: dict[str, Any] = event["data"]
    info = f"{event['type']}|{event['id']}|buyer|warranty"
    return data, orjson.loads(reader.open(data["buyer"]["warranty"]["box"], info))["account_id"]


def document_of(
    data: dict[str, Any], item: dict[str, Any], owner: str, aes: AESGCM | None, index_key: bytes
) -> dict[str, Any]:
    """The record of one item."""
    at = datetime.fromisoformat(data["purchased_at"])
    months = max(item["warranty_months"], 24 if data["country"] in ("DE", "FR", "IT") else 0)
    document = {
        "_id": item["item_id"], "order_id": data["order_id"], "order_number": data["number"], "sku": item["sku"],
        "name": item["name"], "purchased_at": at, "unit_price_minor": item["unit_price_minor"],
        "currency": data["currency"], "country": data["country"], "months": months, "rule": "maker",
        "rule_version": 1, "covered_until": _after(at.astimezone(TOKYO).date(), months).isoformat(),
    }  # fmt: skip
    if aes is not None:
        document["owner_key"] = hmac.new(index_key, b"account\0" + owner.encode(), hashlib.sha256).hexdigest()
        document["owner"] = seal(aes, owner.encode(), f"purchases|owner|{item['item_id']}")
    return document


def _after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    last = monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))


class Acks:
    """One acknowledgement for all deliveries up to the oldest that is still open."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._open: set[int] = set()
        self._highest = 0
        self._acked = 0
        self._scheduled = False

    def opened(self, tag: int) -> None:
        self._open.add(tag)
        self._highest = max(self._highest, tag)

    def done(self, tag: int) -> None:
        self._open.discard(tag)
        if not self._scheduled:
            self._scheduled = True
            self._task = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        self._scheduled = False
        upto = min(self._open, default=self._highest + 1) - 1
        if upto > self._acked:
            self._acked = upto
            await self._channel.basic_ack(upto, multiple=True, wait=False)


async def main() -> None:
    database = open_database()
    secret = bytes.fromhex(os.environ["RAW_SECRET"])
    await database["purchases"].create_index(
        [("owner_key", 1), ("purchased_at", -1), ("_id", -1)],
        partialFilterExpression={"owner_key": {"$exists": True}},
    )
    await database["purchases"].create_index([("purchased_at", 1)])
    records = Records(database, secret)
    connection = await aiormq.connect(os.environ["RAW_AMQP"])
    channel = await connection.channel(publisher_confirms=False)
    await channel.basic_qos(prefetch_count=PREFETCH)
    acks = Acks(channel)

    async def on_message(message: Any) -> None:
        tag = message.delivery_tag
        acks.opened(tag)
        await records.record(bytes(message.body))
        acks.done(tag)

    await channel.basic_consume(QUEUE, on_message)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main())
