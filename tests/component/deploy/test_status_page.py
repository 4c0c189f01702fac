"""The status page: put together by the gateway for staff, whatever part of the shop is away."""

import asyncio

import pytest
from aiohttp import web

from tests.component.deploy.conftest import SESSION, Gateway, Handler

AWAY = '<p class="notice"><strong>does not answer</strong></p>'
PATHS = ("/internal/status", "/_status/orders", "/_status/away", "/_staff", "/internal/staff")


async def as_staff(request: web.Request) -> web.Response:
    """Each service's part; auth lets staff in."""
    if request.path == "/internal/staff":
        return web.Response(status=200 if "staff" in request.headers.get("Cookie", "") else 403)
    assert request.path == "/internal/status"
    return web.Response(text="<p>Version 9.9.9</p>", content_type="text/html")


def part_of(text: str, service: str) -> str:
    """What the page says of one service."""
    return text.partition(f"<h2>{service}</h2>")[2].partition("<h2>")[0].partition("</main>")[0].strip()


async def page(gateway: Gateway, cookie: str = f"{SESSION}=staff", **others: Handler) -> tuple[int, str, str]:
    for name, backend in gateway.backends.items():
        backend.answer = others.get(name, as_staff)
    async with gateway.client.get(gateway.url + "/desk/status", headers={"Cookie": cookie} if cookie else {}) as answer:
        return answer.status, await answer.text(), answer.headers.get("Content-Security-Policy", "")


async def test_staff_see_all_services_on_one_page(gateway: Gateway) -> None:
    status, text, policy = await page(gateway)

    assert status == 200
    assert text.count("<p>Version 9.9.9</p>") == 4
    assert "The shop is open." in text
    assert "<!--" not in text
    assert "<script" not in text
    assert policy.startswith("default-src 'none'; style-src 'self'")


async def test_a_service_that_is_away_is_named_and_hides_no_other(gateway: Gateway) -> None:
    await gateway.stop("orders")

    status, text, _ = await page(gateway)

    assert status == 200
    assert text.count("<p>Version 9.9.9</p>") == 3
    assert part_of(text, "orders") == AWAY


async def test_one_that_hangs_or_fails_is_named_and_hides_no_other(gateway: Gateway) -> None:
    released = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=500, text="a secret of the inside")

    try:
        status, text, _ = await page(gateway, warranty=hang, mailer=fail)
    finally:
        released.set()

    assert status == 200
    assert text.count("<p>Version 9.9.9</p>") == 2
    assert part_of(text, "warranty") == part_of(text, "mailer") == AWAY
    assert text.rstrip().endswith("</html>")


async def test_maintenance_is_told_and_does_not_hide_it(gateway: Gateway) -> None:
    (gateway.stack.layout.nginx / "maintenance").touch()

    status, text, _ = await page(gateway)

    assert status == 200
    assert "The shop is closed for maintenance." in text
    assert "The shop is open." not in text


@pytest.mark.parametrize("cookie", ["", f"{SESSION}=customer"])
async def test_nobody_else_sees_that_it_is_there(gateway: Gateway, cookie: str) -> None:
    status, text, _ = await page(gateway, cookie)

    assert status == 404
    assert "Version" not in text
    asked = [request.path for backend in gateway.backends.values() for request in backend.asked]
    assert "/internal/status" not in asked


@pytest.mark.parametrize("path", PATHS)
async def test_its_parts_cannot_be_had_alone(gateway: Gateway, path: str) -> None:
    async with gateway.client.get(gateway.url + path, headers={"Cookie": f"{SESSION}=staff"}) as answer:
        assert answer.status == 404
    assert all(backend.asked == [] for backend in gateway.backends.values())
