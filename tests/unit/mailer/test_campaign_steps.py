"""Between planning a campaign and its end: changed, approved by a second person, paused, gone on with."""

import asyncio

import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.testing.harness import body_of, open_shop
from shared.testing.identity import an_identity

PATH = "/api/mailer/campaigns"


@pytest.fixture
async def shop():
    async with open_shop(approval_above=2) as opened:
        yield opened


def staff(shop, who="staff-1", role="marketing", **more):
    return shop.auth.headers(an_identity(who, role)) | more


def body(shop, markdown="Hello {{ name }}", **changes):
    content = {"en": {"subject": "News", "markdown": markdown}}
    return {"topic": "offers", "content": content, "send_at": shop.clock().isoformat()} | changes


async def planned(shop, client):
    made = await client.post(PATH, json=body(shop), headers=staff(shop))
    return (await made.json())["id"]


async def step(shop, client, key, name, who="staff-1", **headers):
    return await client.post(f"{PATH}/{key}/{name}", headers=staff(shop, who, **headers))


async def readers(shop, count):
    for number in range(count):
        await shop.subscriber(f"reader-{number}@example.org")


async def test_more_than_a_few_recipients_wait_for_a_second_person(shop, client):
    await readers(shop, 3)
    key = await planned(shop, client)

    waited = await shop.send()
    own = await step(shop, client, key, "approve")
    alone = await shop.send()
    approved = await step(shop, client, key, "approve", "staff-2")
    await shop.send()

    assert (waited.waits_for_approval, alone.waits_for_approval) == (1, 1)
    assert (own.status, (await own.json())["type"].rpartition("/")[2]) == (409, "own-approval")
    assert (approved.status, (await approved.json())["approved_by"]) == (200, "staff-2")
    assert shop.sink.accepted.total() == 3


async def test_a_few_recipients_need_no_second_person(shop, client):
    await readers(shop, 2)
    key = await planned(shop, client)

    forecast = await (await client.get(f"{PATH}/{key}/forecast", headers=staff(shop))).json()
    await shop.send()

    assert forecast["needs_approval"] is False
    assert shop.sink.accepted.total() == 2


async def test_who_comes_later_does_not_make_a_campaign_grow_past_its_approval(shop, client):
    await readers(shop, 2)
    key = await planned(shop, client)
    shop.sink.script = lambda stage, recipient: b"450 later" if stage == "rcpt" else None
    await shop.send()
    shop.sink.script = lambda stage, recipient: None
    await shop.subscriber("late@example.org")

    progress = await shop.send()

    assert progress.waits_for_approval == 1
    assert shop.sink.accepted.total() == 0
    forecast = await (await client.get(f"{PATH}/{key}/forecast", headers=staff(shop))).json()
    assert forecast["needs_approval"] is True


async def test_a_changed_text_needs_another_approval_and_not_by_who_changed_it(shop, client):
    await readers(shop, 3)
    key = await planned(shop, client)
    await step(shop, client, key, "approve", "staff-2")

    edited = await client.put(f"{PATH}/{key}", json=body(shop, "Other"), headers=staff(shop, "staff-3"))
    own = await step(shop, client, key, "approve", "staff-3")
    first = await step(shop, client, key, "approve", "staff-1")
    await shop.send()
    before = shop.sink.accepted.total()
    await step(shop, client, key, "approve", "staff-2")
    await shop.send()

    assert (await edited.json())["approved_by"] == ""
    assert (own.status, first.status) == (409, 409)
    assert (before, shop.sink.accepted.total()) == (0, 3)
    assert all("Other" in body_of(mail) for _, mail in await shop.mails())


async def test_who_approves_has_seen_the_text_as_it_is(shop, client):
    key = await planned(shop, client)
    seen = (await client.get(f"{PATH}/{key}", headers=staff(shop))).headers["ETag"]
    await client.put(f"{PATH}/{key}", json=body(shop, "Other"), headers=staff(shop))

    late = await step(shop, client, key, "approve", "staff-2", **{"If-Match": seen})

    assert late.status == 412
    assert shop.campaigns.stored[key].approved_by == ""


async def test_a_text_that_could_fail_later_is_not_edited_in(shop, client):
    key = await planned(shop, client)

    refused = await client.put(f"{PATH}/{key}", json=body(shop, "{{ nam }}"), headers=staff(shop))

    assert refused.status == 422
    assert shop.campaigns.stored[key].content["en"].markdown == "Hello {{ name }}"


async def test_what_has_begun_is_not_edited_not_even_at_rest(shop, client):
    await readers(shop, 2)
    key = await planned(shop, client)
    shop.sink.script = lambda stage, recipient: b"450 later" if stage == "rcpt" else None
    await shop.send()

    sending = await client.put(f"{PATH}/{key}", json=body(shop, "Other"), headers=staff(shop))
    await step(shop, client, key, "pause")
    resting = await client.put(f"{PATH}/{key}", json=body(shop, "Other"), headers=staff(shop))

    assert [sending.status, resting.status] == [409, 409]
    assert (await sending.json())["type"].endswith("campaign-has-begun")


async def test_an_edit_at_the_moment_of_sending_sends_one_text_or_the_other_to_all(shop, client):
    await readers(shop, 2)
    key = await planned(shop, client)

    edited, _ = await asyncio.gather(
        client.put(f"{PATH}/{key}", json=body(shop, "Other"), headers=staff(shop)), shop.send()
    )
    await shop.send()

    texts = {body_of(mail).partition("\n")[0].split()[0].strip(",") for _, mail in await shop.mails()}
    assert shop.sink.accepted.total() == 2
    assert texts == ({"Other"} if edited.status == 200 else {"Hello"})


async def test_a_paused_campaign_rests_and_goes_on(shop, client):
    await readers(shop, 2)
    key = await planned(shop, client)

    paused = [await step(shop, client, key, "pause") for _ in range(2)]
    await shop.send()
    at_rest = shop.sink.accepted.total()
    resumed = [await step(shop, client, key, "resume") for _ in range(2)]
    await shop.send()

    assert [each.status for each in [*paused, *resumed]] == [200] * 4
    assert (at_rest, shop.sink.accepted.total()) == (0, 2)
    assert (await paused[0].json())["state"] == "paused"


async def test_a_pause_stops_a_run_before_the_next_dot(shop, client):
    await readers(shop, 2)
    key = await planned(shop, client)
    sending = shop.sending()

    class PausesInBetween:
        async def deliver(self, envelope, message, *, before_dot):
            await step(shop, client, key, "pause")
            return await shop.pool.deliver(envelope, message, before_dot=before_dot)

    await shop.send(relay=PausesInBetween(), settings=sending.settings)
    at_rest = shop.sink.accepted.total()
    await step(shop, client, key, "resume")
    await shop.send()

    assert at_rest == 0
    assert dict(shop.sink.accepted) == {"reader-0@example.org": 1, "reader-1@example.org": 1}


async def test_what_is_over_is_neither_paused_nor_approved_nor_edited(shop, client):
    key = await planned(shop, client)
    await client.post(f"{PATH}/{key}/cancel", headers=staff(shop))

    steps = [await step(shop, client, key, name, "staff-2") for name in ("pause", "resume", "approve")]
    edited = await client.put(f"{PATH}/{key}", json=body(shop), headers=staff(shop))

    assert [each.status for each in [*steps, edited]] == [409] * 4


async def test_a_paused_campaign_can_be_cancelled_and_not_resumed_after_its_time(shop, client):
    first, second = await planned(shop, client), await planned(shop, client)
    for key in (first, second):
        await step(shop, client, key, "pause")

    cancelled = await client.post(f"{PATH}/{first}/cancel", headers=staff(shop))
    shop.later(days=4)
    late = await step(shop, client, second, "resume")

    assert (cancelled.status, late.status) == (200, 409)
    assert shop.campaigns.stored[first].state is CampaignState.CANCELLED


async def test_a_campaign_that_nobody_approved_in_time_ends_unsent(shop, client):
    await readers(shop, 3)
    key = await planned(shop, client)
    await shop.send()
    shop.later(days=4)

    await shop.send()

    assert shop.campaigns.stored[key].state is CampaignState.SENT
    assert shop.sink.accepted.total() == 0


async def test_the_report_counts_what_waits_and_who_left_afterwards(shop, client):
    leaves = await shop.subscriber("ann@example.org")
    await shop.subscriber("ben@example.org")
    key = await planned(shop, client)
    shop.sink.script = lambda stage, recipient: b"450 later" if (stage, recipient[:1]) == ("rcpt", "b") else None
    await shop.send()
    shop.later(hours=2)
    await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token(leaves)}")

    report = await (await client.get(f"{PATH}/{key}/report", headers=staff(shop))).json()

    assert (report["accepted"], report["deferred"], report["unsubscribed"]) == (1, 1, 1)
    assert [(hour["accepted"], hour["unsubscribed"]) for hour in report["hours"]] == [(1, 0), (0, 1)]
    assert "example.org" not in str(report)


@pytest.mark.parametrize("name", ["approve", "pause", "resume"])
@pytest.mark.parametrize("role", ["customer", "support", "officer"])
async def test_only_marketing_takes_steps(shop, client, name, role):
    key = await planned(shop, client)

    response = await client.post(f"{PATH}/{key}/{name}", headers=staff(shop, "staff-2", role))

    assert response.status == 403
