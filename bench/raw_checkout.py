"""The least that a checkout which charges once can be: two journaled majority writes and a charge that answers at once.

The order is stored as charging under its key, the sandbox says yes, the order is stored as paid with its event. Each
request makes its own two writes; nothing is sealed, no stock is held, no relay runs. One page beside it is a handler
that answers JSON and does nothing else.
"""

import asyncio
import os
import uuid
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError
from pymongo.errors import DuplicateKeyError

from bench.raw_orders import Checkout
from bench.raw_parts import now, open_database, run

ORDERS = web.AppKey("orders", object)
PRODUCT = web.AppKey("product", dict)
_YEN = 15_600


async def checkout(request: web.Request) -> web.Response:
    orders: Any = request.app[ORDERS]
    try:
        asked = Checkout.model_validate_json(await request.read(), strict=True)
    except ValidationError:
        return web.Response(status=422)
    order_id, at = str(uuid.uuid4()), now()
    order = {
        "_id": order_id, "status": "charging", "key": request.headers["Idempotency-Key"], "created_at": at,
        "lines": [line.model_dump() for line in asked.lines], "currency": asked.currency,
        "contact": asked.contact.model_dump(), "shipping": asked.shipping.model_dump(), "total_minor": _YEN,
    }  # fmt: skip
    try:
        await orders.insert_one(order)
    except DuplicateKeyError:
        return web.Response(status=409)
    if not _charged(asked):
        return web.Response(status=402)
    event = {"id": str(uuid.uuid4()), "type": "orders.purchase.completed.v1", "at": at, "body": orjson.dumps(order)}
    change = {"$set": {"status": "paid", "settled_at": at, "outbox": [event]}}
    await orders.update_one({"_id": order_id, "status": "charging"}, change)
    return _json(201, {"id": order_id, "status": "paid", "total_minor": _YEN, "currency": asked.currency})


def _charged(asked: Checkout) -> bool:
    return asked.card.number != "4000000000000002"


async def product(request: web.Request) -> web.Response:
    return _json(200, request.app[PRODUCT])


def _json(status: int, document: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


async def main() -> None:
    database = open_database()
    orders = database["least_orders"]
    await orders.create_index("key", unique=True)
    await orders.create_index("outbox.at", partialFilterExpression={"outbox.at": {"$exists": True}})
    app = web.Application()
    app[ORDERS] = orders
    app[PRODUCT] = await database["products"].find_one({"_id": "TF-TOKI-10"})
    app.router.add_post("/api/orders", checkout)
    app.router.add_get("/api/orders/products/{sku}", product)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["RAW_PORT"])).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main())
