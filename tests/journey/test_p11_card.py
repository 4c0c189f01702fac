"""P11: a card number, sent in every way that we could think of, is in no file of the stack; a planted one is found."""

import asyncio
import base64
import email
import email.policy
import hashlib
import json
import random
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aio_pika
import aiohttp
from pymongo import AsyncMongoClient
from stdnum import luhn

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from proof.canaries.places import in_file
from tests.journey.test_purchase import Address, a_sku

ARABIC, FULL_WIDTH, DEVANAGARI = 0x0660, 0xFF10, 0x0966
SEARCHED = ("mongo", "rabbitmq", "log", "nginx", "mail", "tmp")
PLANTED = "p11-canary"


def a_card() -> str:
    """A number that passes its check digit, that the sandbox charges, and that nobody else has."""
    body = "47" + "".join(secrets.choice("0123456789") for _ in range(13))
    return body + str(luhn.calc_check_digit(body))


def in_digits_of(number: str, zero: int) -> str:
    return "".join(chr(zero + int(digit)) for digit in number)


def spoken(number: str) -> dict[str, str]:
    """The ways in which a person, or a program, may write a number."""
    groups = [number[at : at + 4] for at in range(0, 16, 4)]
    return {
        "plain": number,
        "spaced": " ".join(groups),
        "dashed": "-".join(groups),
        "no-break": "\u00a0".join(groups),
        "full-width": in_digits_of(number, FULL_WIDTH),
        "arabic": in_digits_of(number, ARABIC),
        "devanagari": in_digits_of(number, DEVANAGARI),
        "escaped": "".join(f"%{ord(digit):02X}" for digit in number),
        "base64": base64.b64encode(number.encode()).decode(),
        "hexadecimal": number.encode().hex(),
        "json": "".join(f"\\u{ord(digit):04x}" for digit in number),
        "entities": "".join(f"&#{ord(digit)};" for digit in number),
    }


ACCEPTED = ("plain", "spaced", "dashed", "no-break", "full-width", "arabic", "devanagari")
"""Those that the field for it takes: a number may be typed in any script."""


def needles(number: str) -> dict[str, bytes]:
    """What is looked for: the number in every encoding, and what is derived from the whole of it."""
    found = {name: text.encode() for name, text in spoken(number).items()}
    found["base64"] = found["base64"].rstrip(b"=")[:-2]  # its last signs depend on what follows
    for shift in (1, 2):  # inside of a longer text, base64 looks otherwise
        inner = base64.b64encode(b"." * shift + number.encode())
        found[f"base64+{shift}"] = inner[4:-4]
    found |= {
        "utf-16": number.encode("utf-16-le"),
        "packed": bytes.fromhex(number),
        "integer": int(number).to_bytes(8, "little"),
    }
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, number.encode(), usedforsecurity=False)
        found |= {name: digest.digest(), f"{name}-hex": digest.hexdigest().encode()}
    return found


def files_of(shop: Shop) -> Iterator[Path]:
    base = shop.stack.path.parent
    for folder in SEARCHED:
        yield from (path for path in (base / folder).rglob("*") if path.is_file() and path.stat().st_size)


def search(shop: Shop, numbers: Mapping[str, str]) -> set[tuple[str, str, str]]:
    """Which number was found in which encoding in which file."""
    wanted = {(whose, how): needle for whose, number in numbers.items() for how, needle in needles(number).items()}
    found: set[tuple[str, str, str]] = set()
    for path in files_of(shop):
        found |= {(whose, how, path.name) for whose, how in in_file(path, wanted)}
        if path.suffix == ".eml":  # lines of a mail are cut, and some of its signs written otherwise
            text = b"".join(decoded(path))
            found |= {(whose, how, path.name) for (whose, how), needle in wanted.items() if needle in text}
    return found


def decoded(mail: Path) -> Iterator[bytes]:
    """The headers and parts of a mail, as they are read."""
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    for part in message.walk():
        yield "\n".join(map(str, part.values())).encode()
        if not part.is_multipart():
            yield part.get_payload(decode=True) or b""  # type: ignore[misc]  # bytes, where it is no multipart


@asynccontextmanager
async def planted(shop: Shop, number: str) -> AsyncIterator[None]:
    """The number in clear in a document, in a message and in a log, as a leak would leave it."""
    data = shop.stack.read()
    log = shop.stack.resolve(data["logs"]) / f"{PLANTED}.log"
    log.write_text(f"card={number}\n")
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(data["mongo"])
    async with client, await aio_pika.connect(data["amqp"]) as broker:
        channel = await broker.channel(publisher_confirms=True)
        queue = await channel.declare_queue(PLANTED, durable=True)
        message = aio_pika.Message(number.encode() * 400, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, PLANTED)
        await client[PLANTED]["cards"].insert_one({"number": number})
        await client.admin.command("fsync")  # what waits in memory is on disk, for all databases
        try:
            yield
        finally:
            await queue.delete(if_unused=False, if_empty=False)
            await client.drop_database(PLANTED)
            log.unlink()


async def test_a_number_in_every_encoding_and_place_is_nowhere_but_where_it_was_planted(
    shop: Shop, browser: Browser, address: Address
) -> None:
    number, canary = a_card(), a_card()

    statuses = await send_everywhere(shop, browser, number, address)

    assert {status for status in statuses if status >= 500} == set()
    assert statuses.count(201) >= len(ACCEPTED)
    async with planted(shop, canary):
        found = await asyncio.to_thread(search, shop, {"sent": number, "planted": canary})
    assert {row for row in found if row[0] == "sent"} == set()
    places = {name for _, how, name in found if how == "plain"}
    assert f"{PLANTED}.log" in places
    assert any(name.startswith("WiredTigerLog") for name in places)
    assert any(name.endswith(".wt") for name in places)
    assert len(places) >= 4, f"nothing found among the broker's files: {places}"


async def send_everywhere(shop: Shop, browser: Browser, number: str, address: Address) -> list[int]:
    """Buy with it, and write it where it does not belong; the status of each answer."""
    sku = await a_sku(browser)
    statuses: list[int] = []
    for how, text in spoken(number).items():
        for body in bodies(sku, text, address(f"p11-{how}")):
            answer = await browser.call("POST", "/api/orders", body, headers=key())
            statuses.append(answer.status)
            echoed = {how for how, needle in needles(number).items() if needle in answer.text.encode()}
            assert echoed <= {"base64"}, answer.text  # a field's name that was sent, said to whoever sent it
        statuses += await send_aside(browser, sku, text, address("p11"))
    statuses += await send_raw(shop, sku, number)
    return statuses


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


def bodies(sku: str, text: str, email: str) -> Iterator[dict[str, Any]]:
    """In the field for it, in every other, as a field's name, and under a wrong check digit."""
    good = order(sku, "JPY", name="Pi Eleven", email=email)
    good["card"] |= {"expiry": f"{random.randint(1, 12):02}/3{random.randint(0, 9)}"}
    yield good | {"card": good["card"] | {"number": text}}
    yield good | {"card": good["card"] | {"number": text[:-1]}}
    yield good | {"card": good["card"] | {"number": text, "cvc": "x"}}
    yield good | {"card": good["card"] | {"holder": text}}
    yield good | {"card": good["card"] | {"expiry": text, "cvc": text}}
    yield good | {"contact": {"name": text, "email": email}}
    yield good | {"contact": {"name": "Pi", "email": f"{text}@example.org"}}
    for field in ("line1", "line2", "city", "region", "postcode", "country"):
        yield good | {"shipping": good["shipping"] | {field: text}}
    yield good | {"currency": text}
    yield good | {"lines": [{"sku": text, "quantity": 1}]}
    yield good | {"note": text}
    yield good | {text: 1}


async def send_aside(browser: Browser, sku: str, text: str, email: str) -> list[int]:
    """In addresses, queries and headers, and to the other routes that take something."""
    calls: list[tuple[str, str, Any, dict[str, str]]] = [
        ("GET", f"/api/orders/{quote(text, safe='')}", None, {}),
        ("GET", f"/api/orders/products/{quote(text, safe='')}", None, {}),
        ("GET", f"/api/orders/products?cursor={quote(text, safe='')}", None, {}),
        ("GET", f"/products/{quote(text, safe='')}", None, {}),
        ("GET", f"/orders/{quote(text, safe='')}?t={quote(text, safe='')}", None, {}),
        ("GET", f"/checkout?sku={quote(text, safe='')}", None, {}),
        ("POST", f"/api/orders/{quote(text, safe='')}/cancel", None, {}),
        ("PUT", "/api/orders/profile", {"name": text, "shipping": {"line1": text}}, {}),
        ("GET", "/api/orders/products", None, header_of(text)),
        ("POST", "/api/orders", order(sku, "JPY", name="Pi", email=email), {"Idempotency-Key": ascii_of(text)}),
    ]
    return [(await browser.call(method, path, body, headers=headers)).status for method, path, body, headers in calls]


def ascii_of(text: str) -> str:
    return text if text.isascii() else quote(text)


def header_of(text: str) -> dict[str, str]:
    plain = ascii_of(text)
    names = ("User-Agent", "Referer", "X-Request-Id", "traceparent", "If-None-Match", "Accept-Language", "X-Card")
    return dict.fromkeys(names, plain) | {"Cookie": f"card={plain}"}


async def send_raw(shop: Shop, sku: str, number: str) -> list[int]:
    """Bodies that are no JSON, cut off, or of another kind; one larger than what nginx keeps in memory."""
    good = json.dumps(order(sku, "JPY", name="Pi", email="pi@example.org") | {"card": {"number": number}}).encode()
    sent: list[tuple[bytes, str, str]] = [
        (good[:-3], "application/json", "/api/orders"),
        (good + b"}", "application/json", "/api/orders"),
        (b'{"card": {"number": "' + number.encode() + b'\xff"', "application/json", "/api/orders"),
        (good, "text/plain", "/api/orders"),
        (b"card.number=" + number.encode(), "application/x-www-form-urlencoded", "/checkout"),
        (b"card.number=" + number.encode() + b"&card.cvc=123&note=" + number.encode(), "text/plain", "/checkout"),
        (json.dumps({"card": number, "x": "y" * 60_000}).encode(), "application/json", "/api/orders"),
        (json.dumps({"card": number, "x": "y" * 900_000}).encode(), "application/json", "/api/orders"),
    ]
    statuses = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=shop.stack.tls())) as session:
        for body, kind, path in sent:
            headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin", **key()}
            async with session.post(f"{shop.gateway}{path}", data=body, headers=headers) as answer:
                assert number not in await answer.text()
                statuses.append(answer.status)
    return statuses


def test_what_is_looked_for_is_seen_inside_of_other_text() -> None:
    number = a_card()

    for shift in (1, 2):
        text = base64.b64encode(b"." * shift + number.encode() + b" and more")
        assert needles(number)[f"base64+{shift}"] in text
    assert needles(number)["base64"] in base64.b64encode(number.encode() + b" and more")
    assert len(needles(number)) >= 12
