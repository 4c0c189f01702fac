"""The desk's pages: support takes an order from step to step, and sees neither persons nor cards without a reason."""

import re

import pytest

from services.orders.life.domain import Order
from services.orders.life.steps import Status
from services.orders.pages.desk.money import to_minor
from shared.errors import InvalidInput
from tests.unit.orders.conftest import Client
from tests.unit.orders.doubles import MemoryAccesses
from tests.unit.orders.provider_suite import ASKS_BANK
from tests.unit.orders.world import World, a_body

HTML = {"Accept": "text/html"}


async def _bought(world: World, **changes: object) -> Order:
    await world.buy(a_body() | changes)
    [order] = await world.all_orders()
    return order


async def _page(client: Client, world: World, path: str, role: str = "support") -> str:
    response = await client.get(path, headers=HTML | world.as_staff(role))
    assert response.status == 200
    return await response.text()


async def _send(client: Client, world: World, order: Order, step: str, **fields: str) -> tuple[int, str]:
    """Send a form of the order's page as it is now; the status, and the page that follows."""
    stored = await world.stores.orders.get(order.id)
    form = {"version": f'"{stored.version}"'} | fields
    response = await client.post(
        f"/desk/orders/{order.id}/{step}", data=form, headers=HTML | world.as_staff("support"), allow_redirects=False
    )
    if response.status == 303:
        return 303, await _page(client, world, response.headers["Location"])
    return response.status, await response.text()


async def test_support_ships_delivers_takes_back_and_refunds(client: Client, world: World) -> None:
    order = await _bought(world)
    serial = f"serials.{order.id}-1-1"

    seen = [
        await _send(client, world, order, "preparation"),
        await _send(client, world, order, "shipment", carrier="Yamato", tracking="1234 5678", **{serial: "TF-0042"}),
        await _send(client, world, order, "delivery"),
        await _send(client, world, order, "refunds", amount="600", why="goodwill", key="k-1"),
        await _send(client, world, order, "return"),
        await _send(client, world, order, "refunds", amount="15000", why="return", key="k-2"),
    ]

    assert [status for status, _ in seen] == [303] * 6
    last = seen[-1][1]
    assert re.findall(r"<li><strong>([^<]+)</strong>", last) == [
        "Ordered", "Paid", "In preparation", "Shipped", "Delivered", "Returned", "Refunded",
    ]  # fmt: skip
    assert "by staff s-1" in last
    assert "TF-0042" in last
    assert "¥600" in last
    assert (await world.stores.orders.get(order.id)).payment.refunded_minor == order.total_minor


async def test_a_cancelled_order_offers_nothing_more(client: Client, world: World) -> None:
    order = await _bought(world)

    status, page = await _send(client, world, order, "cancel")

    assert status == 303
    assert "Nothing is left to be done." in page
    assert "<form" not in page.partition('id="next"')[2].partition("</section>")[0]


async def test_a_stale_form_does_nothing_and_says_so(client: Client, world: World) -> None:
    order = await _bought(world)
    await _send(client, world, order, "preparation")

    status, page = await _send(client, world, order, "cancel", version=f'"{order.version}"')

    assert status == 412
    assert "Somebody else" in page.partition('role="alert"')[2]
    assert (await world.stores.orders.get(order.id)).status is Status.IN_PREPARATION


@pytest.mark.parametrize(
    ("step", "fields", "field"),
    [
        ("shipment", {"carrier": "<b>", "tracking": "1234 5678"}, "carrier"),
        ("shipment", {"carrier": "Yamato", "tracking": "!"}, "tracking"),
        ("refunds", {"amount": "15601", "key": "k"}, "amount"),
        ("refunds", {"amount": "0", "key": "k"}, ""),
        ("refunds", {"amount": "1.5", "key": "k"}, "amount"),
        ("refunds", {"amount": "-1", "key": "k"}, "amount"),
        ("contact", {"reason": "short"}, "reason"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    client: Client, world: World, step: str, fields: dict[str, str], field: str
) -> None:
    order = await _bought(world)
    extra = {} if step == "contact" else {"version": f'"{order.version}"'}

    response = await client.post(
        f"/desk/orders/{order.id}/{step}", data=fields | extra, headers=HTML | world.as_staff("support")
    )

    page = await response.text()
    assert response.status == 422
    assert 'role="alert"' in page
    assert not field or f'id="f-{field}-error"' in page
    assert (await world.stores.orders.get(order.id)) == order


async def test_the_same_refund_form_sent_twice_refunds_once(client: Client, world: World) -> None:
    order = await _bought(world)
    await _send(client, world, order, "shipment", carrier="Yamato", tracking="1234 5678")
    fields = {"amount": "600", "why": "price", "key": "k-1", "version": "*"}

    await _send(client, world, order, "refunds", **fields)
    await _send(client, world, order, "refunds", **fields)

    assert (await world.stores.orders.get(order.id)).payment.refunded_minor == 600


async def test_whom_an_order_is_for_is_shown_once_with_a_reason(client: Client, world: World) -> None:
    order = await _bought(world)
    before = await _page(client, world, f"/desk/orders/{order.id}")

    shown = await client.post(
        f"/desk/orders/{order.id}/contact",
        data={"reason": "The parcel has come back."},
        headers=HTML | world.as_staff("support"),
    )

    after = await _page(client, world, f"/desk/orders/{order.id}")
    text = await shown.text()
    assert "Ann Example" in text
    assert "Jingumae" in text
    assert "Ann Example" not in before + after
    assert isinstance(world.stores.accesses, MemoryAccesses)
    assert [each.staff_id for each in world.stores.accesses.stored] == ["s-1"]


async def test_orders_are_found_by_number_and_by_status(client: Client, world: World) -> None:
    order = await _bought(world)

    found = await _page(client, world, f"/desk/orders?number={order.number.lower()}")
    paid = await _page(client, world, "/desk/orders?status=paid&number=")
    shipped = await _page(client, world, "/desk/orders?status=shipped")
    refused = await _page(client, world, "/desk/orders?attention=true")
    nonsense = await _page(client, world, "/desk/orders?status=nonsense")

    assert [order.number in page for page in (found, paid, shipped, refused, nonsense)] == [
        True, True, False, False, True,
    ]  # fmt: skip


async def test_the_desk_shows_no_digit_of_a_card_and_no_person(client: Client, world: World) -> None:
    order = await _bought(world)

    pages = await _page(client, world, "/desk/orders") + await _page(client, world, f"/desk/orders/{order.id}")

    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", pages)
    assert "4242" not in text
    assert "Ann Example" not in text
    assert "example.org" not in text


@pytest.mark.parametrize("role", ["customer", "marketing", "fraud", "officer"])
@pytest.mark.parametrize("path", ["", "/{id}"])
async def test_the_desk_is_for_support(client: Client, world: World, role: str, path: str) -> None:
    order = await _bought(world)

    response = await client.get("/desk/orders" + path.format(id=order.id), headers=HTML | world.as_staff(role))

    assert response.status == 403
    assert order.number not in await response.text()


@pytest.mark.parametrize("step", ["preparation", "shipment", "delivery", "return", "cancel", "refunds", "contact"])
@pytest.mark.parametrize("role", ["customer", "admin", "fraud"])
async def test_steps_are_taken_by_support_alone(client: Client, world: World, role: str, step: str) -> None:
    order = await _bought(world)

    response = await client.post(
        f"/desk/orders/{order.id}/{step}", data={"version": "*"}, headers=HTML | world.as_staff(role)
    )

    assert response.status == 403
    assert (await world.stores.orders.get(order.id)) == order


async def test_a_visitor_is_led_to_the_login_and_back(client: Client) -> None:
    response = await client.get("/desk/orders", headers=HTML, allow_redirects=False)

    assert (response.status, response.headers["Location"]) == (303, "/login?next=/desk/orders")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12", "EUR", 1200), ("12.5", "EUR", 1250), ("12,50", "EUR", 1250), (" 600 ", "JPY", 600), ("0.01", "USD", 1)],
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), [("1.234", "EUR"), ("1.5", "JPY"), ("", "EUR"), ("1 000", "EUR"),
                                                ("１２", "EUR"), ("1e3", "EUR"), ("-5", "EUR")])  # fmt: skip
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        to_minor(text, currency)


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        ("support", ["/desk/orders", "/desk/warranty"]),
        ("admin", ["/desk/orders", "/desk/newsletter"]),
        ("fraud", ["/desk/orders/reviews"]),
        ("marketing", ["/desk/newsletter"]),
        ("officer", []),
    ],
)
async def test_staff_see_the_parts_of_the_desk_that_are_theirs(
    client: Client, world: World, role: str, parts: list[str]
) -> None:
    page = await _page(client, world, "/desk", role)

    assert re.findall(r'<li><a href="(/desk/[^"]+)"', page) == parts
    assert ("Nothing here has a page" in page) == (not parts)


async def test_the_desk_is_for_staff_alone(client: Client, world: World) -> None:
    guest = await client.get("/desk", headers=HTML, allow_redirects=False)
    customer = await client.get("/desk", headers=HTML | world.as_customer("a-1"))

    assert (guest.status, guest.headers["Location"]) == (303, "/login?next=/desk")
    assert customer.status == 403


async def test_the_desk_does_not_speak_to_staff_as_to_the_buyer(client: Client, world: World) -> None:
    order = await _bought(world, card=a_body(card=ASKS_BANK)["card"])

    listed = await _page(client, world, "/desk/orders")
    shown = await _page(client, world, f"/desk/orders/{order.id}")

    assert "The bank asks the buyer (1)" in listed
    assert "the bank asks the buyer" in shown
    assert "Your bank asks for you" not in listed + shown
