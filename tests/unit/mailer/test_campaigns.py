from datetime import timedelta

import pytest

from services.mailer.campaigns.domain import CampaignState
from shared.testing.identity import an_identity

PATH = "/api/mailer/campaigns"
TEXT = {"en": {"subject": "News", "markdown": "Hello {{ name }}"}}


def staff(shop, role="marketing"):
    return shop.auth.headers(an_identity("staff-1", role))


def body(shop, **changes):
    return {"topic": "offers", "content": TEXT, "send_at": shop.clock().isoformat()} | changes


async def plan(shop, client, **changes):
    return await client.post(PATH, json=body(shop, **changes), headers=staff(shop))


async def read(shop, client, path):
    response = await client.get(path, headers=staff(shop))
    assert response.status == 200
    return await response.json()


async def test_a_campaign_is_planned_and_can_be_read(shop, client):
    made = await plan(shop, client)

    campaign = await made.json()
    assert made.status == 201
    assert made.headers["Location"] == f"{PATH}/{campaign['id']}"
    assert (campaign["state"], campaign["created_by"]) == ("scheduled", "staff-1")
    assert await read(shop, client, made.headers["Location"]) == campaign
    assert (await read(shop, client, PATH))["items"] == [campaign]


async def test_campaigns_are_listed_in_pages(shop, client):
    ids = [(await (await plan(shop, client)).json())["id"] for _ in range(3)]

    first = await client.get(f"{PATH}?limit=2", headers=staff(shop))
    link = first.headers["Link"].partition("<")[2].partition(">")[0]
    rest = await client.get(link, headers=staff(shop))

    seen = [item["id"] for page in (first, rest) for item in (await page.json())["items"]]
    assert seen == ids[::-1]
    assert "Link" not in rest.headers


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"topic": "politics"}, "/topic"),
        ({"content": {}}, "/content"),
        ({"content": {"fr": {"subject": "x", "markdown": "y"}}}, "/content/fr"),
        ({"content": {"en": {"subject": "", "markdown": "y"}}}, "/content/en/subject"),
        ({"content": {"en": {"subject": "x{{ name }}", "markdown": "y"}}}, "/content/en/subject"),
        ({"content": {"en": {"subject": "x", "markdown": "{{ nam }}"}}}, "/content/en/markdown"),
        ({"content": {"en": {"subject": "x", "markdown": "y"}, "ja": {"subject": "x", "markdown": "{{"}}},
         "/content/ja/markdown"),
        ({"send_at": "2026-11-22T12:00:00"}, "/send_at"),
        ({"send_at": "tomorrow"}, "/send_at"),
        ({"send_at": "1900000000"}, "/send_at"),
        ({"send_at": "9999-12-31T23:59:59Z"}, "/send_at"),
        ({"send_at": "9999-12-31T23:59:59-23:59"}, "/send_at"),
        ({"send_at": "0001-01-01T00:00:00+23:59"}, "/send_at"),
        ({"not_after": "2020-01-01T00:00:00Z"}, "/not_after"),
        ({"not_after": "9999-12-31T23:59:59Z"}, "/not_after"),
        ({"not_after": "9999-12-31T23:59:59-23:59"}, "/not_after"),
        ({"not_after": "0001-01-01T00:00:00+23:59"}, "/not_after"),
        ({"audience": "everybody"}, "/audience"),
    ],
)  # fmt: skip
async def test_what_could_fail_later_is_refused_now(shop, client, change, pointer):
    response = await plan(shop, client, **change)

    assert response.status == 422
    pointers = [error["pointer"] for error in (await response.json())["errors"]]
    assert len(pointers) == 1
    assert pointers[0].startswith(pointer)
    assert shop.campaigns.stored == {}


@pytest.mark.parametrize(
    ("from_now", "status"),
    [
        (timedelta(days=-1), 201),
        (timedelta(days=-1, seconds=-1), 422),
        (timedelta(days=730), 201),
        (timedelta(days=730, seconds=1), 422),
    ],
)
async def test_a_campaign_is_due_within_a_day_back_and_two_years(shop, client, from_now, status):
    response = await plan(shop, client, send_at=(shop.clock() + from_now).isoformat())

    assert response.status == status


@pytest.mark.parametrize(("role", "status"), [("customer", 403), ("support", 403), ("officer", 403), ("admin", 200)])
async def test_only_marketing_sees_campaigns(shop, client, role, status):
    assert (await client.get(PATH, headers=staff(shop, role))).status == status


@pytest.mark.parametrize("path", ["", "/c-1", "/c-1/report", "/c-1/forecast"])
async def test_nobody_signed_in_sees_nothing(client, path):
    assert (await client.get(PATH + path)).status == 401


@pytest.mark.parametrize("path", ["/c-9", "/c-9/report", "/c-9/forecast"])
async def test_an_unknown_campaign_is_not_found(shop, client, path):
    assert (await client.get(PATH + path, headers=staff(shop))).status == 404


async def test_the_forecast_counts_and_names_nobody(shop, client):
    await shop.subscriber("ann@example.org")
    await shop.subscriber("ben@example.org")
    await shop.campaign("c-1")

    forecast = await read(shop, client, f"{PATH}/c-1/forecast")

    assert (forecast["now"], forecast["capped"], forecast["month"]) == (2, 0, "2026-11")
    assert "example.org" not in str(forecast)


async def test_the_report_counts_and_names_nobody(shop, client):
    await shop.subscriber("ann@example.org")
    leaves = await shop.subscriber("ben@example.org")
    shop.sink.script = lambda stage, recipient: b"550 no" if (stage, recipient[:1]) == ("rcpt", "c") else None
    await shop.subscriber("cleo@example.org")
    await shop.campaign("c-1")
    await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token(leaves)}")
    await shop.send()

    report = await read(shop, client, f"{PATH}/c-1/report")

    hours = report.pop("hours")
    assert report == {
        "id": "c-1", "state": "sent", "accepted": 1, "deferred": 0, "refused": 1, "unknown": 0, "capped": 0,
        "bounced": 0, "complained": 0, "unsubscribed": 0, "unsubscribed_before": 1,
    }  # fmt: skip
    [hour] = hours
    assert (hour["accepted"], hour["refused"], hour["unknown"], hour["unsubscribed"]) == (1, 1, 0, 0)


async def test_what_the_cap_stopped_stays_in_the_report(shop, client):
    await shop.subscriber()
    for number in range(4):
        await shop.campaign(f"c-{number}")
    await shop.send()
    shop.later(days=60)

    report = await read(shop, client, f"{PATH}/c-3/report")

    assert (report["accepted"], report["capped"]) == (0, 1)


async def test_a_cancelled_campaign_is_not_sent(shop, client):
    await shop.subscriber()
    await shop.campaign("c-1")

    statuses = [(await client.post(f"{PATH}/c-1/cancel", headers=staff(shop))).status for _ in range(2)]
    await shop.send()

    assert statuses == [200, 200]
    assert shop.sink.accepted.total() == 0
    assert shop.campaigns.stored["c-1"].state is CampaignState.CANCELLED


async def test_what_was_sent_cannot_be_cancelled(shop, client):
    await shop.subscriber()
    await shop.campaign("c-1")
    await shop.send()

    response = await client.post(f"{PATH}/c-1/cancel", headers=staff(shop))

    assert response.status == 409
