"""A campaign before it goes out: what its readers would see, and a copy to the shop's own staff."""

import pytest

from services.mailer.campaigns.preview import TESTS
from services.mailer.testing.harness import body_of
from shared.testing.identity import an_identity

PATH = "/api/mailer/campaigns"


def staff(shop, role="marketing"):
    return shop.auth.headers(an_identity("staff-1", role))


async def test_the_preview_is_the_final_mail_in_each_language(shop, client):
    await shop.campaign("c-1")

    seen = {
        language: await (await client.get(f"{PATH}/c-1/preview?language={language}", headers=staff(shop))).json()
        for language in ("en", "ja", "de")
    }

    assert (seen["en"]["subject"], seen["ja"]["subject"]) == ("News", "\u304a\u77e5\u3089\u305b")
    assert seen["de"]["language"] == "en"
    for form in ("text", "html"):
        assert "Hello Ann Example" in seen["en"][form]
        assert "/newsletter/unsubscribe?t=" in seen["en"][form]
        assert "\u898b\u672c\u82b1\u5b50 \u69d8" in seen["ja"][form]


async def test_the_preview_and_the_mail_that_goes_out_are_the_same_text(shop, client):
    await shop.subscriber("ann@example.org", name="Ann Example")
    await shop.campaign("c-1")
    seen = await (await client.get(f"{PATH}/c-1/preview", headers=staff(shop))).json()
    shop.deps()
    await shop.send()

    [(_, mail)] = await shop.mails()
    for kind, form in (("plain", "text"), ("html", "html")):
        lines, sent = seen[form].splitlines(), body_of(mail, kind).splitlines()
        assert len(lines) == len(sent)
        assert all(one == other for one, other in zip(lines, sent, strict=True) if "unsubscribe?t=" not in one)


async def test_a_copy_goes_to_staff_says_what_it_is_and_has_no_place_in_a_month(shop, client):
    subscriber = await shop.subscriber("me@shop.example")
    await shop.campaign("c-1")

    sent = await client.post(f"{PATH}/c-1/test", json={"to": "me@shop.example"}, headers=staff(shop))

    assert sent.status == 200
    [(recipient, mail)] = await shop.mails()
    assert (recipient, mail["Subject"]) == ("me@shop.example", "[Test] News")
    assert +shop.subscribers.records[subscriber].months == {}
    assert shop.subscribers.records[subscriber].issues == {}


async def test_the_link_of_a_copy_for_a_test_leads_to_nobody(shop, client):
    await shop.campaign("c-1")
    await client.post(f"{PATH}/c-1/test", json={"to": "me@shop.example"}, headers=staff(shop))
    [(_, mail)] = await shop.mails()

    left = await client.post(mail["List-Unsubscribe"].strip("<>").removeprefix("https://shop.example"))

    assert left.status == 404


@pytest.mark.parametrize(
    "to", ["ann@example.org", "me@shop.example.example.org", "me@sub.shop.example", "me@shop.example, ann@example.org"]
)
async def test_a_test_is_no_way_to_write_to_anybody_else(shop, client, to):
    await shop.subscriber("ann@example.org")
    await shop.campaign("c-1")

    refused = await client.post(f"{PATH}/c-1/test", json={"to": to}, headers=staff(shop))

    assert refused.status == 422
    assert [error["pointer"] for error in (await refused.json())["errors"]] == ["/to"]
    assert shop.sink.accepted.total() == 0


async def test_tests_come_to_an_end(shop, client):
    await shop.campaign("c-1")
    shop.campaigns.tests["c-1"] = TESTS - 1

    statuses = [
        (await client.post(f"{PATH}/c-1/test", json={"to": "me@shop.example"}, headers=staff(shop))).status
        for _ in range(2)
    ]

    assert statuses == [200, 429]


@pytest.mark.parametrize(("reply", "status"), [(b"550 no", 422), (b"450 later", 503)])
async def test_a_copy_that_the_relay_does_not_take_is_not_called_sent(shop, client, reply, status):
    await shop.campaign("c-1")
    shop.sink.script = lambda stage, recipient: reply if stage == "rcpt" else None

    refused = await client.post(f"{PATH}/c-1/test", json={"to": "me@shop.example"}, headers=staff(shop))

    assert refused.status == status
    assert shop.sink.accepted.total() == 0


@pytest.mark.parametrize("role", ["customer", "support", "officer"])
async def test_only_marketing_sees_and_tries(shop, client, role):
    await shop.campaign("c-1")

    seen = await client.get(f"{PATH}/c-1/preview", headers=staff(shop, role))
    sent = await client.post(f"{PATH}/c-1/test", json={"to": "me@shop.example"}, headers=staff(shop, role))

    assert (seen.status, sent.status) == (403, 403)
