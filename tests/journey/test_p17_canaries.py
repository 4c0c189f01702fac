"""P17 and P11: what people tell the shop is readable nowhere, and reaches nobody else; a planted canary is found.

Canaries go through every input: what a customer, a guest and a reader really do, and every field of every published
contract, rightly and wrongly filled. Then everything is searched that a thief of disks, logs or backups would have.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from PIL import Image

from deploy.commands import run_command
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from proof.canaries.bodies import operations, sample
from proof.canaries.needles import Canaries, digests, needles
from proof.canaries.places import dumps_core, files_of, in_file, in_process, pids_of, read_mail
from proof.canaries.planting import NAME as PLANTED
from proof.canaries.planting import STRANGER, planted
from tests.journey.test_purchase import a_sku, key
from tests.recording import Tried

SERVICES = ("auth", "orders", "mailer", "warranty")
NOT_SWEPT = ("/api/auth/accounts", "/api/auth/password", "/api/auth/session", "/api/mailer/subscriptions",
             "/api/orders/guest/links", "/api/auth/me")  # fmt: skip
"""Limited by network or address, or the end of the account: what a person really does goes there instead."""
FEWEST = 40
Found = set[tuple[str, str]]
"""Places, and spellings."""


async def test_no_canary_is_readable_and_none_reaches_anybody_else(shop: Shop, browser: Browser, tried: Tried) -> None:
    canaries, other = Canaries(), Canaries()

    await a_customer(shop, browser, canaries)
    await a_reader(shop, canaries)
    await a_guest(shop, canaries)
    sent = [status async for status in every_input(shop, browser, canaries)]
    await run_command("mailer", "send")

    assert len(canaries) >= FEWEST
    assert len(sent) > 150
    assert [status for status in sent if status >= 500] == []
    async with planted(shop.stack, other["planted"]) as pid:
        found, seen = await asyncio.to_thread(search, shop, canaries, other, [pid])
    wanted = len(needles(canaries.root))
    tried(len(canaries) * wanted)
    assert {place for place, _ in seen} >= {f"{PLANTED}.log", f"mail to {STRANGER}", f"cmdline of {pid}",
                                            f"environ of {pid}", f"deleted file of {pid}"}  # fmt: skip
    assert any(place.startswith("WiredTigerLog") for place, _ in seen), "the search of the journal is void"
    assert any(place.endswith(".wt") for place, _ in seen), "the search of the database is void"
    assert any(place.endswith((".wal", ".segment", ".rdq", ".qs", ".idx")) for place, _ in seen), (
        f"the broker's: {seen}"
    )
    assert found == set()


async def test_no_service_tells_a_canary_of_itself(shop: Shop, browser: Browser, tried: Tried) -> None:
    """Metrics, readiness, and what a crash would leave."""
    canaries = Canaries()
    await a_customer(shop, browser, canaries)

    data = shop.stack.read()
    async with aiohttp.ClientSession() as session:
        for service in SERVICES:
            for page in ("metrics", "livez", "readyz"):
                async with session.get(f"{data['services'][service]['url']}/{page}") as answer:
                    text = (await answer.text()).lower()
                tried(1)
                assert canaries.root not in text, f"{service}/{page}"
                assert page != "metrics" or "padlock_" in text
    for service in SERVICES:
        for pid in data["services"][service]["pids"]:
            tried(1)
            assert not dumps_core(pid), f"a crash of {service} leaves a core"


def search(shop: Shop, canaries: Canaries, other: Canaries, more: list[int]) -> tuple[Found, Found]:
    """Where canaries were found, and how they were written: those that were sent, and the planted one.

    A mail to whom a canary belongs is where it should be.
    """
    base = shop.stack.path.parent
    email = f"{canaries['account email']}@example.org"
    own = {("sent", how): needle for how, needle in needles(canaries.root).items()}
    own |= {("planted", "plain"): needles(other.root)["plain"]}
    wanted = own | {("sent", how): needle for how, needle in digests([email]).items()}
    found = {(whose, path.name, how) for path in files_of(base) for whose, how in in_file(path, wanted)}
    for pid in [*pids_of(shop.stack.read()), *more]:
        found |= {(whose, place, how) for place, (whose, how) in in_process(pid, own)}
    for mail in (base / "mail").glob("*.eml"):
        to, text = read_mail(mail)
        for whose, those in (("sent", canaries), ("planted", other)):
            if those.named_in(text) and those.root not in to.lower():
                found.add((whose, f"mail to {to}", "plain"))
    sent, planted_one = ({(place, how) for whom, place, how in found if whom == whose} for whose in ("sent", "planted"))
    return sent, planted_one


def _address(canaries: Canaries, what: str) -> dict[str, str]:
    lines = {field: canaries[f"{what} {field}"] for field in ("line1", "line2", "city")}
    return lines | {"region": "Tokyo", "postcode": "150-0001", "country": "JP"}


async def a_customer(shop: Shop, browser: Browser, canaries: Canaries) -> None:
    """Registers, buys, keeps an address, claims, writes, changes name and password, mistypes it, asks for a copy."""
    email, password = f"{canaries['account email']}@example.org", f"{canaries['password']} and three more words"
    await shop.register(browser, email, canaries["account name"], password)
    wrong = {"email": email, "password": f"{canaries['wrong password']} is not it", "remember": False}
    await browser.call("POST", "/api/auth/session", wrong, expect=401)
    await shop.log_in(browser, email, password, remember=True)
    body = order(
        await a_sku(browser), "JPY", name=canaries["order name"], email=f"{canaries['order email']}@example.org"
    )
    body["shipping"] = _address(canaries, "order")
    body["card"]["holder"] = canaries["holder"]
    await browser.call("POST", "/api/orders", body, headers=key(), expect=201)
    profile = {"name": canaries["profile name"], "shipping": _address(canaries, "profile")}
    await browser.call("PUT", "/api/orders/profile", profile, expect=204)
    records = await eventually(lambda: browser.all("/api/warranty/purchases"), bool)
    wish = {"purchase_id": records[0]["id"], "problem": "other", "wanted": "repair", "words": canaries["claim"]}
    claim = (await browser.call("POST", "/api/warranty/claims", wish, expect=201)).json["id"]
    await browser.call("POST", f"/api/warranty/claims/{claim}/messages", {"text": canaries["message"]})
    await _photo(browser, claim, canaries)
    kept = {"shipping": _address(canaries, "kept")}
    await browser.call("POST", "/api/orders/profile/addresses", kept, expect=201)
    await _hand_on(shop, browser, canaries)
    await browser.submit("/account/name", {"name": canaries["new name"]})
    new = {"current_password": password, "new_password": f"{canaries['new password']} and four more words"}
    await browser.call("PUT", "/api/auth/password", new)
    async with shop.browser() as support:
        await shop.log_in_staff(support, "support")
        await support.call("POST", "/api/auth/desk/people", {"email": email, "reason": canaries["desk reason"]})


async def _photo(browser: Browser, claim: str, canaries: Canaries) -> None:
    """A photo whose maker, comment and file name tell of its owner."""
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = canaries["photo maker"], canaries["photo comment"]
    out = io.BytesIO()
    Image.effect_noise((320, 240), 90).convert("RGB").save(
        out, "JPEG", exif=exif.tobytes(), comment=canaries["photo remark"].encode()
    )
    sent = out.getvalue()
    assert all(canaries[f"photo {what}"].encode() in sent for what in ("maker", "comment", "remark"))
    answer = await browser.upload(f"/api/warranty/claims/{claim}/photos", sent, "image/jpeg")
    assert answer.status == 201, answer.text


async def _hand_on(shop: Shop, browser: Browser, canaries: Canaries) -> None:
    """A second watch goes to somebody else, who tells their own name and address."""
    body = order(
        await a_sku(browser), "JPY", name=canaries["order name"], email=f"{canaries['order email']}@example.org"
    )
    await browser.call("POST", "/api/orders", body, headers=key(), expect=201)
    records = await eventually(lambda: browser.all("/api/warranty/purchases"), lambda found: len(found) == 2)
    claimed = {claim["item"]["purchase_id"] for claim in await browser.all("/api/warranty/claims")}
    [item] = [record["id"] for record in records if record["id"] not in claimed]
    offer = (await browser.call("POST", f"/api/warranty/purchases/{item}/transfer", expect=201)).json
    email = f"{canaries['new owner email']}@example.org"
    name, password = canaries["new owner name"], f"{canaries['new owner password']} and more words"
    async with shop.browser() as other:
        await shop.register(other, email, name, password)
        await shop.log_in(other, email, password)
        taken = {"code": offer["code"], "contact": {"name": name, "email": email}}
        await other.call("POST", "/api/warranty/transfers", taken, expect=200)


async def a_reader(shop: Shop, canaries: Canaries) -> None:
    """Subscribes and confirms; another never confirms."""
    async with shop.browser() as browser:
        for what in ("reader", "shy reader"):
            email = f"{canaries[f'{what} email']}@example.org"
            wish = {"email": email, "name": canaries[f"{what} name"], "language": "en", "topics": ["offers"]}
            await browser.call("POST", "/api/mailer/subscriptions", wish, expect=202)
            token = (await shop.mailbox.wait(email)).token
            if what == "reader":
                await browser.call("POST", "/api/mailer/subscriptions/confirm", {"token": token}, expect=200)


async def a_guest(shop: Shop, canaries: Canaries) -> None:
    """Buys without an account, asks for the links, and sends a form that is refused."""
    email = f"{canaries['guest email']}@example.org"
    async with shop.browser() as browser:
        body = order(await a_sku(browser), "JPY", name=canaries["guest name"], email=email, newsletter=True)
        body["shipping"] = _address(canaries, "guest")
        placed = (await browser.call("POST", "/api/orders", body, headers=key(), expect=201)).json
        await shop.mailbox.wait(email, placed["number"])
        await browser.call("POST", "/api/orders/guest/links", {"email": email})
        await browser.call("POST", "/api/orders", body | {"note": canaries["no such field"]}, headers=key(), expect=422)
        await browser.submit("/newsletter", {"email": canaries["no address"], "name": canaries["form name"]})
        await browser.submit("/login", {"email": f"{canaries['unknown email']}@example.org",
                                        "password": canaries["unknown password"]})  # fmt: skip


async def every_input(shop: Shop, customer: Browser, canaries: Canaries) -> AsyncIterator[int]:
    """Every field of every contract, as guest and as customer; addresses, queries, headers, a body that is none."""
    async with shop.browser() as guest:
        for service in SERVICES:
            document = (await guest.call("GET", f"/api/{service}/openapi.json", expect=200)).json
            for method, path, schema in operations(document):
                if path.startswith(NOT_SWEPT):
                    continue
                body: Any = None
                if schema is not None:
                    body = sample(
                        schema, document, lambda name: canaries[f"field {name.partition('@')[0]}"] + _tail(name)
                    )
                place = path.replace("{", canaries["path"] + "{").replace("}", "").replace("{", "")
                for browser in (guest, customer):
                    yield (await browser.call(method, place, body, headers=_headers(canaries))).status
                    yield (await browser.call(method, f"{place}?{_query(canaries)}", [body])).status
        for path in ("/", "/products/x", "/checkout", "/orders/x", "/warranty", "/privacy", "/login"):
            yield (await guest.call("GET", f"{path}?{_query(canaries)}", headers=_headers(canaries))).status
        yield await _raw(shop, canaries)


def _tail(name: str) -> str:
    return "@example.org" if name.endswith("@example.org") else ""


def _headers(canaries: Canaries) -> dict[str, str]:
    names = ("User-Agent", "Referer", "X-Request-Id", "traceparent", "If-None-Match", "If-Match", "Accept-Language",
             "Idempotency-Key", "X-Forwarded-For", "baggage")  # fmt: skip
    return {name: canaries[f"header {name}"] for name in names}


def _query(canaries: Canaries) -> str:
    names = ("t", "q", "cursor", "next", "claim", "number", "email", "done")
    return urlencode({name: canaries[f"query {name}"] for name in names})


async def _raw(shop: Shop, canaries: Canaries) -> int:
    """A body that is cut off in the middle of a string."""
    body = f'{{"contact": {{"name": "{canaries["cut body"]}'.encode()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=shop.stack.tls())) as session:
        headers = {"Content-Type": "application/json", **key()}
        async with session.post(f"{shop.gateway}/api/orders", data=body, headers=headers) as answer:
            assert canaries.root not in (await answer.text()).lower()
            return answer.status


@pytest.mark.parametrize("before", ["", ".", "..", "...", "....", "a name: "])
def test_every_spelling_is_found_inside_of_other_text(before: str) -> None:
    import base64

    canaries = Canaries()
    text = f"{before}{canaries['x']} and more".encode()
    wanted = needles(canaries.root)

    assert any(needle in base64.b64encode(text) for name, needle in wanted.items() if name.startswith("base64"))
    assert any(needle in base64.b32encode(text) for name, needle in wanted.items() if name.startswith("base32"))
    assert wanted["utf-16-le"] in text.decode().encode("utf-16-le")
    assert wanted["upper"] in text.upper()
    assert len(wanted) >= 12
    assert canaries.named_in(text.decode()) == {"x"}
