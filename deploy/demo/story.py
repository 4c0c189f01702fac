"""The chapters before and after the damage, through the gateway and the mailbox only."""

import secrets
from datetime import datetime
from typing import Any

from deploy.demo import damage, newsletters
from deploy.demo.leaving import play_leaving
from deploy.demo.play import Play
from deploy.demo.tell import Teller
from deploy.outside.browser import Answer, Browser
from deploy.outside.shop import Shop, order
from shared.formats import format_money

PASSWORD = "correct horse battery staple"  # noqa: S105 - of an invented person, in a stack that lives on this machine


async def play(shop: Shop, tell: Teller, *, subscribers: int, purchases: int) -> None:
    """The whole story, in order."""
    play = Play(shop, tell)
    async with shop.browser() as ann:
        await _register(play, ann)
        await _log_in(play, ann)
        skus = await _catalogue(play, ann)
        await _purchase(play, ann, skus[0])
        await _warranty(play, ann)
        issues = await newsletters.play(shop, tell, run=play.run, subscribers=subscribers)
        await damage.buy_while_things_break(play, ann, skus[0], purchases=purchases)
        await damage.final_count(play, ann, issues)
        await play_leaving(play, ann, PASSWORD)
    _where_to_look(shop, tell)


async def _register(play: Play, ann: Browser) -> None:
    play.tell.chapter("Ann registers, and proves that the address is hers")
    await play.shop.register(ann, play.address("ann"), "Ann Example", PASSWORD)
    play.tell.fact(f"the mail to {play.address('ann')} had a link; she followed it")


async def _log_in(play: Play, ann: Browser) -> None:
    play.tell.chapter('She logs in: first without, then with "remember me"')
    plain = await play.shop.log_in(ann, play.address("ann"), PASSWORD)
    play.tell.check("box not ticked: every cookie ends with the browser", not any(map(_persists, plain.cookies)))
    ann.forget("-session")
    gone = await ann.call("GET", "/api/auth/session")
    play.tell.check("browser closed and opened: nobody is logged in", gone.status == 401)
    await play.shop.log_in(ann, play.address("ann"), PASSWORD, remember=True)
    ann.forget("-session")
    back = await ann.call("GET", "/api/auth/session")
    play.tell.check("box ticked, closed and opened: she is still known", back.status == 200)
    await _cookie_is_opaque(play, ann)
    await play.shop.log_in(ann, play.address("ann"), PASSWORD)


async def _cookie_is_opaque(play: Play, ann: Browser) -> None:
    again = await play.shop.log_in(ann, play.address("ann"), PASSWORD, remember=True)
    [cookie] = [c for c in again.cookies if "-remember=" in c and _persists(c)]
    name = cookie.partition("=")[0]
    play.tell.check(f"the cookie {name} is encrypted and says nothing about her", "ann" not in cookie.partition(";")[0])


def _persists(cookie: str) -> bool:
    return "max-age" in cookie.lower() or "expires" in cookie.lower()


async def _catalogue(play: Play, ann: Browser) -> list[str]:
    products = await ann.all("/api/orders/products")
    play.tell.chapter(f"The catalogue: {len(products)} watches, priced in yen, dollars, euros and pounds")
    return [str(product["sku"]) for product in products]


async def _purchase(play: Play, ann: Browser, sku: str) -> None:
    play.tell.chapter("A purchase in yen by Ann, and one in dollars by a guest")
    body = order(sku, "JPY", name="Ann Example", email=play.address("ann"))
    _bought(play, await _buy(ann, body))
    play.by_account += 1
    async with play.shop.browser() as guest:
        body = order(sku, "USD", name="Bo Guest", email=play.address("bo"), quantity=2)
        _bought(play, await _buy(guest, body))
    for who in ("ann", "bo"):
        receipt = await play.shop.mailbox.wait(play.address(who), play.bought[0 if who == "ann" else 1]["number"])
        play.tell.fact(f"{who} has a receipt: {receipt.subject}")


async def _buy(browser: Browser, body: dict[str, Any]) -> Answer:
    return await browser.call(
        "POST", "/api/orders", body, headers={"Idempotency-Key": secrets.token_hex(16)}, expect=201
    )


def _bought(play: Play, answer: Answer) -> None:
    placed = answer.json
    play.bought.append(placed)
    total = format_money(placed["total_minor"], placed["currency"], "en")
    play.tell.fact(f"order {placed['number']}: {placed['status']}, {total} with shipping")


async def _warranty(play: Play, ann: Browser) -> None:
    play.tell.chapter("Warranty knows what she bought and when, for it heard of it by event")
    records = await damage.records_of(ann, at_least=1)
    record = records[0]
    play.tell.count("purchase records of Ann", len(records), 1)
    bought_on = datetime.fromisoformat(record["purchased_at"]).astimezone(newsletters.SHOP_ZONE).date()
    play.tell.fact(f"{record['name']}, bought {bought_on} in Tokyo, covered until {record['covered_until']}")


def _where_to_look(shop: Shop, tell: Teller) -> None:
    data = shop.stack.read()
    tell.chapter("Where to look")
    tell.table(
        [
            ("page", "address"),
            ("the shop", f"{data['gateway']}/"),
            ("privacy and security", f"{data['gateway']}/privacy"),
            ("all mails", str(data["mailbox"])),
            ("the API, to read", f"{data['gateway']}/api/orders/docs"),
            ("staff log-ins, addresses, process ids", ".local/stack.json"),
        ]
    )
