"""Raw prototype of orders' checkout: the same writes in the same order, and the relay in the same process.

Stored as `charging` (with a guest's data key beside it), units held, charged in the sandbox's book under the order's
id, then paid with the event in one conditional write. Each is a journaled majority write that concurrent requests
share. Personal fields are sealed, the buyer is sealed to mailer and to warranty.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import secrets
import time
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from stdnum import luhn

from bench.raw_parts import Group, People, Person, Publisher, Reader, Relay, SealTo, now, open_database, run, seal

TYPE = "orders.purchase.completed.v1"
TEXT = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,120}")


def _text(value: str) -> str:
    if not TEXT.fullmatch(value) or "=?" in value:
        raise ValueError("unfit")
    return value


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("no address") from None


def _number(value: str) -> str:
    digits = value.replace(" ", "").replace("-", "")
    if not 13 <= len(digits) <= 19 or not luhn.is_valid(digits):
        raise ValueError("no card number")
    return digits


Text = Annotated[str, AfterValidator(_text)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Line(Model):
    sku: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=10)]


class Contact(Model):
    name: Text
    email: Annotated[str, AfterValidator(_email)]


class Shipping(Model):
    line1: Text
    line2: Text | None = None
    city: Text
    region: Text | None = None
    postcode: Text
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]


class Card(Model):
    number: Annotated[str, AfterValidator(_number)]
    expiry: Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])/[0-9]{2}$")]
    cvc: Annotated[str, StringConstraints(pattern=r"^[0-9]{3,4}$")]
    holder: Text


class Checkout(Model):
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=20)]
    currency: Literal["JPY", "USD", "EUR", "GBP"]
    contact: Contact
    shipping: Shipping
    card: Card
    newsletter: bool = False
    language: Literal["en", "ja", "de"] | None = None


class Stock:
    """One counter a product; the holds of orders that arrive together go into one conditional update."""

    def __init__(self, collection: Any, sku: str) -> None:
        self._collection = collection
        self._sku = sku
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []
        self._sold: list[str] = []
        self._busy = False

    async def hold(self, order_id: str, quantity: int) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((order_id, quantity, done))
        if not self._busy:
            self._busy = True
            self._task = asyncio.create_task(self._flush())
        await done

    def sold(self, order_id: str) -> None:
        self._sold.append(order_id)

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[:200], self._waiting[200:]
            sold, self._sold = self._sold, []
            quantity, at = sum(row[1] for row in batch), now()
            change: dict[str, Any] = {
                "$inc": {"count": -quantity},
                "$set": {f"holds.{order_id}": {"quantity": units, "at": at} for order_id, units, _ in batch},
            }
            if sold:
                change["$unset"] = dict.fromkeys((f"holds.{order_id}" for order_id in sold), "")
            answer = await self._collection.update_one({"_id": self._sku, "count": {"$gte": quantity}}, change)
            for _, _, done in batch:
                if answer.matched_count:
                    done.set_result(None)
                else:
                    done.set_exception(web.HTTPConflict())
        self._busy = False


class Identities:
    """Checks the gateway's signed identity; a token that was good is good until it expires."""

    def __init__(self, public: Ed25519PublicKey) -> None:
        self._public = public
        self._good: dict[str, tuple[str, int]] = {}

    def account_of(self, token: str) -> str:
        account, until = self._good.get(token, ("", 0))
        if until < time.time():
            account, until = self._check(token)
            self._good[token] = account, until
        return account

    def _check(self, token: str) -> tuple[str, int]:
        head, claims, signature = token.split(".")
        try:
            self._public.verify(_unb64(signature), f"{head}.{claims}".encode())
        except InvalidSignature:
            raise web.HTTPUnauthorized from None
        document = orjson.loads(_unb64(claims))
        if document["aud"] != "orders" or document["exp"] < time.time():
            raise web.HTTPUnauthorized
        return document["sub"], document["exp"]


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Shop:
    def __init__(self, database: Any, relay: Relay, products: dict[str, Any], secret: bytes) -> None:
        self._people = People(database["data_keys"], AESGCM(secret))
        self._orders = Group(database["orders"])
        self._charges = Group(database["sandbox_charges"])
        self._stock = {sku: Stock(database["stock"], sku) for sku in products}
        self._relay = relay
        self.products = products
        self._kek = self._card_key = AESGCM(secret)
        self._index_key = secret
        self._reader = SealTo(Reader(secret).public)

    async def place(self, checkout: Checkout, *, key: str, account_id: str) -> dict[str, Any]:
        at, order_id = now(), str(uuid.uuid4())
        lines = [self._priced(line, checkout.currency) for line in checkout.lines]
        total = sum(line["unit_price_minor"] * line["quantity"] for line in lines) + 800
        document, wrapped = await self._document(checkout, order_id, key=key, account_id=account_id, lines=lines, at=at)
        writes = [self._orders.insert(document)]
        if wrapped is not None:
            writes.append(self._people.add(wrapped))
        is_first, *_ = await asyncio.gather(*writes)
        if not is_first:
            raise web.HTTPConflict
        await asyncio.gather(*(self._stock[line["sku"]].hold(order_id, line["quantity"]) for line in lines))
        await self._charge(order_id, total, checkout.currency)
        return await self._paid(document, checkout, total)

    def _priced(self, line: Line, currency: str) -> dict[str, Any]:
        product = self.products.get(line.sku)
        if product is None:
            raise web.HTTPUnprocessableEntity
        return {
            "sku": line.sku, "name": product["names"]["en"], "quantity": line.quantity,
            "unit_price_minor": product["prices"][currency], "warranty_months": product["warranty_months"],
        }  # fmt: skip

    async def _document(
        self, checkout: Checkout, order_id: str, *, key: str, account_id: str, lines: list[Any], at: datetime
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        card, wrapped = checkout.card, None
        if account_id:
            aes = await self._people.key_of(account_id)
        else:
            person = Person(f"order:{order_id}", self._kek)
            aes, wrapped = person.aes, person.wrapped
        kept = [card.number[:6], card.number[-4:], card.expiry, card.holder]
        body = checkout.model_dump(mode="json", exclude={"card"}) | {"card": kept}
        return {
            "_id": order_id,
            "number": "-".join(secrets.token_hex(2).upper() for _ in range(3)),
            "status": "charging",
            "attempt": {"key": self._hash(f"{account_id}|{key}"), "body": self._hash(orjson.dumps(body).decode())},
            "account_id": account_id,
            "language": checkout.language or "en",
            "currency": checkout.currency,
            "country": checkout.shipping.country,
            "lines": lines,
            "shipping_minor": 800,
            "person_id": account_id or f"order:{order_id}",
            "contact": seal(aes, checkout.contact.model_dump_json().encode(), f"orders|contact|{order_id}"),
            "shipping": seal(aes, checkout.shipping.model_dump_json().encode(), f"orders|shipping|{order_id}"),
            "card": seal(self._card_key, orjson.dumps(kept), f"orders|card|{order_id}"),
            "card_fingerprint": self._hash("|".join(kept[:3])),
            "newsletter": checkout.newsletter,
            "created_at": at,
        }, wrapped

    def _hash(self, value: str) -> str:
        return hmac.digest(self._index_key, value.encode(), hashlib.sha256).hex()

    async def _charge(self, order_id: str, amount_minor: int, currency: str) -> None:
        async with asyncio.timeout(5):
            await self._charges.insert({
                "_id": order_id, "amount_minor": amount_minor, "currency": currency, "outcome": "paid", "reason": "",
                "charged_at": now(),
            })  # fmt: skip

    async def _paid(self, order: dict[str, Any], checkout: Checkout, total: int) -> dict[str, Any]:
        order_id, event_id, at = order["_id"], str(uuid.uuid4()), now()
        row = {"id": event_id, "type": TYPE, "at": at, "body": self._event(order, checkout, total, event_id, at)}
        change = {"$set": {"status": "paid", "settled_at": at, "outbox": [row]}}
        if not await self._orders.update({"_id": order_id, "status": "charging"}, change):
            raise web.HTTPServiceUnavailable
        self._relay.announce(order_id, row)
        for line in order["lines"]:
            self._stock[line["sku"]].sold(order_id)
        return {
            "id": order_id, "number": order["number"], "status": "paid", "created_at": order["created_at"],
            "currency": order["currency"], "total_minor": total, "shipping_minor": 800, "lines": order["lines"],
            "card": {"ending": checkout.card.number[-4:]},
            "view_link": f"/orders/{order_id}?t={self._hash('link|' + order_id)}",
        }  # fmt: skip

    def _event(self, order: dict[str, Any], checkout: Checkout, total: int, event_id: str, at: datetime) -> bytes:
        buyers = {
            "mailer": checkout.contact.model_dump() | {"order_link": f"/orders/{order['_id']}", "newsletter": False},
            "warranty": {"account_id": order["account_id"]},
        }
        return event_of(
            {
                "order_id": order["_id"], "number": order["number"], "purchased_at": at, "currency": order["currency"],
                "language": order["language"], "country": order["country"], "items": _items(order),
                "shipping_minor": 800, "total_minor": total,
            },
            buyers, self._reader, event_id=event_id, at=at,
        )  # fmt: skip


def event_of(data: dict[str, Any], buyers: dict[str, Any], to: SealTo, *, event_id: str, at: datetime) -> bytes:
    """The event as bytes, the buyer sealed to each reader."""
    sealed = {
        reader: {"kid": f"{reader}-1", "box": to.seal(orjson.dumps(buyer), f"{TYPE}|{event_id}|buyer|{reader}")}
        for reader, buyer in buyers.items()
    }
    return orjson.dumps({
        "specversion": "1.0", "id": event_id, "source": "/orders", "type": TYPE, "subject": data["order_id"],
        "time": at, "datacontenttype": "application/json", "data": data | {"buyer": sealed},
    })  # fmt: skip


def _items(order: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "item_id": f"{order['_id']}-{place}-{unit}", "sku": line["sku"], "name": line["name"],
            "unit_price_minor": line["unit_price_minor"], "warranty_months": line["warranty_months"],
        }
        for place, line in enumerate(order["lines"], start=1)
        for unit in range(1, line["quantity"] + 1)
    ]  # fmt: skip


SHOP = web.AppKey("shop", Shop)
IDENTITIES = web.AppKey("identities", Identities)


async def checkout(request: web.Request) -> web.Response:
    token = request.headers.get("X-Identity")
    account_id = request.app[IDENTITIES].account_of(token) if token else ""
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 255:
        raise web.HTTPBadRequest
    try:
        asked = Checkout.model_validate_json(await request.read(), strict=True)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_context=False, include_url=False)
        return web.Response(status=422, body=orjson.dumps(faults), content_type="application/problem+json")
    async with asyncio.timeout(10):
        answer = await request.app[SHOP].place(asked, key=key, account_id=account_id)
    return _json(201, answer)


async def product(request: web.Request) -> web.Response:
    token = request.headers.get("X-Identity")
    if token:
        request.app[IDENTITIES].account_of(token)
    found = request.app[SHOP].products.get(request.match_info["sku"])
    return _json(404 if found is None else 200, found)


def _json(status: int, document: Any) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json", headers=headers)


async def main() -> None:
    database = open_database()
    secret = bytes.fromhex(os.environ["RAW_SECRET"])
    for keys, unique in (("attempt.key", True), ("number", True), ("status", False), ("outbox.at", False)):
        options = {"partialFilterExpression": {"outbox.at": {"$exists": True}}} if keys == "outbox.at" else {}
        await database["orders"].create_index(keys, unique=unique, **options)
    await database["orders"].create_index(
        [("account_id", 1), ("_id", -1)], partialFilterExpression={"account_id": {"$gt": ""}}
    )
    await database["sandbox_charges"].create_index("outcome")
    products = {row.pop("_id"): row for row in await database["products"].find().to_list(None)}
    relay = Relay(database["orders"], await Publisher.open())
    app = web.Application(client_max_size=65536)
    app[SHOP] = Shop(database, relay, products, secret)
    app[IDENTITIES] = Identities(Ed25519PrivateKey.from_private_bytes(secret).public_key())
    app.router.add_post("/api/orders", checkout)
    app.router.add_get("/api/orders/products/{sku}", product)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["RAW_PORT"])).start()
    print("ready", flush=True)
    await relay.run()


if __name__ == "__main__":
    run(main())
