import re
from datetime import timedelta

import pytest

from services.mailer.subscriptions import usecases
from services.mailer.subscriptions.domain import SubscriptionState
from services.mailer.testing.builders import terms
from services.mailer.testing.harness import body_of
from shared.testing.texts import without_ids

ASK = {"email": "Ann@Example.org", "name": "Ann", "language": "en", "topics": ["offers", "new-products"]}


async def ask(client, **changes):
    return await client.post("/api/mailer/subscriptions", json=ASK | changes)


async def token_of(shop):
    [(_, mail), *_] = reversed(await shop.mails())
    return re.search(r"/newsletter/confirm\?t=([\w-]+)", body_of(mail))[1]


async def confirm(client, token):
    return await client.post("/api/mailer/subscriptions/confirm", json={"token": token})


def only(shop):
    [record] = shop.subscribers.records.values()
    return record.subscription


async def test_asking_brings_a_mail_and_nothing_more(shop, client):
    response = await ask(client)

    assert (response.status, await response.json()) == (202, {"status": "check-your-mail"})
    [(recipient, mail)] = await shop.mails()
    assert recipient == "Ann@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    assert only(shop).state is SubscriptionState.PENDING
    assert shop.relay.events == []


async def test_a_confirmation_mail_calls_nobody_by_the_name_that_a_stranger_typed(shop, client):
    await ask(client, name="Win at casino.example")

    [(_, mail)] = await shop.mails()
    assert "casino" not in mail.as_string()


async def test_following_the_link_confirms_and_is_announced(shop, client):
    await ask(client)

    response = await confirm(client, await token_of(shop))

    assert (response.status, await response.json()) == (200, {"status": "confirmed"})
    subscription = only(shop)
    assert subscription.state is SubscriptionState.CONFIRMED
    assert subscription.topics == ("offers", "new-products")
    assert (subscription.consent.source, subscription.consent.confirmed_at) == ("api", shop.clock())
    [event] = shop.relay.events
    assert (event.type, event.data["state"]) == ("mailer.subscription.changed.v1", "confirmed")
    assert "example.org" not in str(event.data)


async def test_confirming_twice_changes_nothing_more(shop, client):
    await ask(client)
    token = await token_of(shop)

    statuses = [(await confirm(client, token)).status for _ in range(2)]

    assert statuses == [200, 200]
    assert len(shop.relay.events) == 1


async def test_an_address_gets_three_confirmation_mails_a_day_whoever_asks(shop, client):
    statuses = {
        (await ask(client, email=spelling)).status for spelling in ["a.b@gmail.com", "ab+x@googlemail.com"] * 50
    }

    assert statuses == {202}
    assert len(await shop.mails()) == 3
    shop.later(days=1)
    await ask(client, email="ab@gmail.com")
    assert len(await shop.mails()) == 4


async def test_a_confirmed_address_gets_no_further_mail_and_the_same_answer(shop, client):
    await ask(client)
    await confirm(client, await token_of(shop))

    response = await ask(client)

    assert (response.status, await response.json()) == (202, {"status": "check-your-mail"})
    assert len(await shop.mails()) == 1


async def test_an_old_link_is_over(shop, client):
    await ask(client)
    token = await token_of(shop)
    shop.later(days=15)

    response = await confirm(client, token)

    assert response.status == 410
    assert only(shop).state is SubscriptionState.PENDING


async def test_a_link_from_before_unsubscribing_does_not_bring_anybody_back(shop, client):
    await ask(client)
    token = await token_of(shop)
    await confirm(client, token)
    await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token(only(shop).id)}")
    after_leaving = (await confirm(client, token)).status
    await ask(client)
    after_asking_again = (await confirm(client, token)).status

    assert (after_leaving, after_asking_again) == (410, 410)
    assert only(shop).state is SubscriptionState.PENDING


@pytest.mark.parametrize("token", ["x", "A" * 58, "\u00e9", "a.b", "A" * 200])
async def test_an_altered_link_is_refused_by_field(client, token):
    response = await confirm(client, token)

    assert response.status == 422
    [error] = (await response.json())["errors"]
    assert error["pointer"] == "/token"


async def test_a_token_of_one_kind_is_none_of_the_other(shop, client):
    await ask(client)
    confirmation = await token_of(shop)

    as_confirmation = await confirm(client, shop.links.subscriber_token(only(shop).id))
    as_leaving = await client.post(f"/newsletter/unsubscribe?t={confirmation}")

    assert (as_confirmation.status, as_leaving.status) == (422, 422)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "/email"),
        ({"name": "A\r\nBcc: c@d.example"}, "/name"),
        ({"name": "=?utf-8?q?A?="}, "/name"),
        ({"name": ""}, "/name"),
        ({"language": "xx"}, "/language"),
        ({"topics": []}, "/topics"),
        ({"topics": ["politics"]}, "/topics/0"),
        ({"extra": 1}, "/extra"),
        ({"email": {"$ne": None}}, "/email"),
    ],
)
async def test_bad_input_is_refused_by_field_and_stores_nothing(shop, client, change, pointer):
    response = await ask(client, **change)

    assert response.status == 422
    assert [error["pointer"] for error in (await response.json())["errors"]] == [pointer]
    assert shop.subscribers.records == {}
    assert await shop.mails() == []


async def test_getting_and_heading_the_links_changes_nothing(shop, client):
    await ask(client)
    token = await token_of(shop)
    subscriber = await shop.subscriber("ben@example.org")
    leaving = shop.links.subscriber_token(subscriber)
    before = {key: record.subscription for key, record in shop.subscribers.records.items()}

    for _ in range(20):
        for method in ("GET", "HEAD"):
            for path in (f"confirm?t={token}", f"unsubscribe?t={leaving}", f"preferences?t={leaving}"):
                assert (await client.request(method, f"/newsletter/{path}")).status == 200

    assert {key: record.subscription for key, record in shop.subscribers.records.items()} == before


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
async def test_one_click_from_a_mail_client_unsubscribes(shop, client, encoding):
    import aiohttp

    subscriber = await shop.subscriber()
    fields = {"List-Unsubscribe": "One-Click"}
    if encoding == "multipart":
        body = aiohttp.FormData(default_to_multipart=True)
        body.add_field("List-Unsubscribe", "One-Click")
    else:
        body = fields
    foreign = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site", "Cookie": "x=y"}

    response = await client.post(
        f"/newsletter/unsubscribe?t={shop.links.subscriber_token(subscriber)}", data=body, headers=foreign
    )

    assert response.status == 200
    assert only(shop).state is SubscriptionState.UNSUBSCRIBED
    assert [event.data["state"] for event in shop.relay.events] == ["unsubscribed"]


async def test_unsubscribing_again_and_years_later_with_an_old_key_is_fine(shop, client):
    subscriber = await shop.subscriber()
    token = shop.links.subscriber_token(subscriber)
    shop.keys.rotate("link")
    shop.later(days=1200)

    statuses = [(await client.post(f"/newsletter/unsubscribe?t={token}")).status for _ in range(2)]

    assert statuses == [200, 200]
    assert only(shop).state is SubscriptionState.UNSUBSCRIBED
    assert len(shop.relay.events) == 1


async def test_an_erased_person_can_still_use_the_link(shop, client):
    subscriber = await shop.subscriber()
    await usecases.forget(shop.deps(), subscriber)

    response = await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token(subscriber)}")

    assert response.status == 200
    assert only(shop).person is None
    assert shop.data_keys.stored == {}


async def test_a_link_for_nobody_is_no_false_done(shop, client):
    response = await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token('ab' * 16)}")

    assert response.status == 404


async def test_erasing_and_coming_back_does_not_reset_the_cap(shop, client):
    shop.later(days=80)
    subscriber = await shop.subscriber("ann@example.org")
    await shop.campaign("c-1")
    await shop.send()
    await usecases.forget(shop.deps(), subscriber)
    await ask(client, email="ANN+again@example.org", topics=["offers"])
    await confirm(client, await token_of(shop))
    await shop.campaign("c-2")

    await shop.send()

    assert only(shop).state is SubscriptionState.CONFIRMED
    newsletters = [mail for _, mail in await shop.mails() if mail["List-Unsubscribe"]]
    assert len(newsletters) == 1


async def test_preferences_are_chosen_by_the_same_link(shop, client):
    subscriber = await shop.subscriber()
    path = f"/newsletter/preferences?t={shop.links.subscriber_token(subscriber)}"

    page = await (await client.get(path)).text()
    saved = await client.post(path, data={"topics.1": "competitions", "language": "de"})
    refused = await client.post(path, data={"language": "de"})

    assert 'value="offers" checked' in page
    assert (saved.status, refused.status) == (200, 422)
    assert (only(shop).topics, only(shop).language) == (("competitions",), "de")


async def test_a_pause_begins_stays_and_ends(shop, client):
    subscriber = await shop.subscriber()
    path = f"/newsletter/preferences?t={shop.links.subscriber_token(subscriber)}"
    form = {"topics.0": "offers", "language": "en"}
    ends = shop.clock() + timedelta(days=90)

    await client.post(path, data=form | {"pause": "90"})
    begun = only(shop).paused_until
    page = await (await client.get(path)).text()
    await client.post(path, data=form | {"pause": ""})
    stayed = only(shop).paused_until
    await client.post(path, data=form | {"pause": "none"})

    assert (begun, stayed, only(shop).paused_until) == (ends, ends, None)
    assert '<option value="" selected>Goes on until ' in page


async def test_who_paused_gets_no_newsletter_until_the_pause_is_over(shop, client):
    subscriber = await shop.subscriber()
    path = f"/newsletter/preferences?t={shop.links.subscriber_token(subscriber)}"
    await client.post(path, data={"topics.0": "offers", "language": "en", "pause": "30"})
    await shop.campaign("c-1")
    await shop.send()
    paused = shop.sink.accepted.total()

    shop.later(days=31)
    await shop.campaign("c-2")
    await shop.send()

    assert (paused, shop.sink.accepted.total()) == (0, 1)


async def test_who_wants_fewer_gets_one_in_november(shop, client):
    subscriber = await shop.subscriber()
    await shop.subscriber("ben@example.org")
    path = f"/newsletter/preferences?t={shop.links.subscriber_token(subscriber)}"
    saved = await client.post(path, data={"topics.0": "offers", "language": "en", "fewer": "yes"})
    for number in range(4):
        await shop.campaign(f"c-{number}")
    await shop.send()

    assert dict(shop.sink.accepted) == {"ann@example.org": 1, "ben@example.org": 3}
    assert 'name="fewer" value="yes" checked' in await saved.text()


async def test_a_copy_that_was_claimed_before_the_pause_is_not_sent_after_it(shop, client):
    subscriber = await shop.subscriber()
    path = f"/newsletter/preferences?t={shop.links.subscriber_token(subscriber)}"
    await shop.claims.claim([subscriber], terms())

    await client.post(path, data={"topics.0": "offers", "language": "en", "pause": "30"})

    assert await shop.claims.mark_dot([subscriber], "f-1") == set()
    assert +shop.subscribers.records[subscriber].months == {}


async def test_coming_back_after_leaving_ends_a_pause(shop, client):
    await ask(client)
    await confirm(client, await token_of(shop))
    token = shop.links.subscriber_token(only(shop).id)
    await client.post(
        f"/newsletter/preferences?t={token}", data={"topics.0": "offers", "language": "en", "pause": "180"}
    )
    await client.post(f"/newsletter/unsubscribe?t={token}")

    await ask(client)

    assert only(shop).paused_until is None


async def test_the_form_subscribes_like_the_api(shop, client):
    page = await client.get("/newsletter")
    form = {"email": "ann@example.org", "name": "Ann", "language": "ja", "topics.0": "offers"}
    asked = await client.post("/newsletter", data=form)
    refused = await client.post("/newsletter", data=form | {"email": "<script>"})

    assert (page.status, asked.status, refused.status) == (200, 202, 422)
    assert "<script>" not in await refused.text()
    assert (only(shop).language, only(shop).consent.source) == ("ja", "page")


async def test_the_confirmation_page_s_button_confirms(shop, client):
    await ask(client)
    token = await token_of(shop)

    page = await (await client.get(f"/newsletter/confirm?t={token}")).text()
    response = await client.post("/newsletter/confirm", data={"token": token})

    assert f'value="{token}"' in page
    assert response.status == 200
    assert only(shop).state is SubscriptionState.CONFIRMED


@pytest.mark.parametrize("path", ["/newsletter", "/newsletter/confirm", "/newsletter/preferences"])
async def test_other_posts_from_foreign_sites_are_refused(client, path):
    response = await client.post(path, data={}, headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status == 403


@pytest.mark.parametrize("language", ["en", "ja", "de"])
async def test_every_page_is_there_in_each_language(shop, client, language):
    subscriber = await shop.subscriber()
    token = shop.links.subscriber_token(subscriber)
    paths = ("", "/confirm?t=x", f"/unsubscribe?t={token}", f"/preferences?t={token}")

    for path in paths:
        response = await client.get(f"/newsletter{path}", headers={"Accept-Language": language})
        text = await response.text()
        assert response.status == 200
        assert f'<html lang="{language}">' in text
        assert "Set-Cookie" not in response.headers
        assert not re.search(r"<script|style=|https?://(?!shop\.example)", text)


async def test_asking_at_once_from_two_sides_makes_one_subscription(shop, client):
    import asyncio

    responses = await asyncio.gather(*(ask(client) for _ in range(10)))

    assert {response.status for response in responses} == {202}
    assert len(shop.subscribers.records) == 1
    assert len(await shop.mails()) == 3


async def test_tokens_say_nothing_about_the_address(shop):
    first = shop.links.subscriber_token(await shop.subscriber("ann@example.org"))
    second = shop.links.subscriber_token(await shop.subscriber("bea@example.org"))

    assert re.fullmatch(r"[\w-]{40,80}", first)
    assert first[10:] != second[10:]


async def test_a_card_number_in_the_form_is_not_shown_again(client):
    form = {"email": "ann@example.org", "name": "4242 4242 4242 4242", "language": "en", "topics.0": "offers"}

    response = await client.post("/newsletter", data=form, headers={"Accept": "text/html"})

    page = await response.text()
    assert response.status == 422
    assert 'value="ann@example.org"' in page
    assert "4242" not in without_ids(page)


async def test_a_language_that_there_is_not_is_named_on_the_page(client):
    form = {"email": "ann@example.org", "name": "Ann", "language": "4242424242424242", "topics.0": "offers"}

    response = await client.post("/newsletter", data=form, headers={"Accept": "text/html"})

    page = await response.text()
    assert response.status == 422
    assert "Input should be" in page
    assert "4242" not in without_ids(page)


async def test_preferences_with_a_wrong_language_are_asked_again(shop, client):
    token = shop.links.subscriber_token(await shop.subscriber("ann@example.org"))
    form = {"language": "4242424242424242", "topics.0": "offers"}

    response = await client.post(f"/newsletter/preferences?t={token}", data=form, headers={"Accept": "text/html"})

    page = await response.text()
    assert response.status == 422
    assert "Input should be" in page
    assert "4242" not in without_ids(page)


@pytest.mark.parametrize(
    ("language", "bad", "over"),
    [
        ("en", "This link is not whole", "This link is over"),
        ("ja", "リンクが完全ではありません", "このリンクは期限切れです"),
        ("de", "Dieser Link ist nicht vollständig", "Dieser Link ist abgelaufen"),
    ],
)
async def test_a_link_that_is_cut_or_over_says_so_in_the_readers_language(shop, client, language, bad, over):
    await ask(client)
    token = await token_of(shop)
    leaving = shop.links.subscriber_token(only(shop).id)
    reader = {"Accept": "text/html", "Accept-Language": language}
    shop.later(days=15)

    cut = [
        await client.request(method, f"/newsletter/{path}?t={leaving[:-3]}", headers=reader)
        for method, path in [("GET", "unsubscribe"), ("POST", "unsubscribe"), ("GET", "preferences")]
    ]
    late = await client.post("/newsletter/confirm", data={"token": token}, headers=reader)
    program = await client.post(f"/newsletter/unsubscribe?t={leaving[:-3]}")

    assert [answer.status for answer in cut] == [422] * 3
    assert all([f"<h1>{bad}</h1>" in await answer.text() for answer in cut])
    assert late.status == 410
    assert f"<h1>{over}</h1>" in await late.text()
    assert (program.status, program.content_type) == (422, "application/problem+json")
