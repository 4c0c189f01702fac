import asyncio
import hashlib
import hmac
import json

import pytest

from services.mailer.bounces.lmtp import listening
from services.mailer.bounces.tags import ReturnPaths, Stream
from services.mailer.bounces.usecases import receive
from services.mailer.bounces.webhook import PATH
from services.mailer.campaigns.domain import CampaignState
from services.mailer.campaigns.usecases import report_campaign, resume_campaign
from services.mailer.subscriptions.domain import SubscriptionState
from services.mailer.testing.harness import body_of, open_shop, settings_for
from services.mailer.testing.returned import complaint, dsn
from shared.errors import TransientError
from shared.testing.keys import MemoryKeys

SECRET = "of a test"


@pytest.fixture
async def shop():
    async with open_shop(bounce_domain="bounces.shop.example", bounce_webhook_secret=SECRET) as opened:
        yield opened


@pytest.fixture
def deps(shop):
    return shop.deps()


def paths_of(shop) -> dict[str, str]:
    """The return path of each copy, as the mail server saw it."""
    return dict(shop.sink.envelopes)


async def state_of(shop, subscriber) -> SubscriptionState:
    return (await shop.subscribers.get(subscriber)).state


async def one_sent(shop) -> tuple[str, str]:
    """A subscriber who got a newsletter, and its return path."""
    subscriber = await shop.subscriber("ann@example.org")
    await shop.campaign()
    await shop.send()
    return subscriber, paths_of(shop)["ann@example.org"]


async def came_back(deps, path, message, *, sender="") -> bool:
    return await receive(deps, recipient=path, sender=sender, message=message)


async def test_each_copy_has_a_return_path_of_its_own_that_names_nobody(shop):
    ann, ben = [await shop.subscriber(f"{name}@example.org") for name in ("ann", "ben")]
    await shop.campaign()
    await shop.send()

    paths = paths_of(shop)
    tags = {name: shop.return_paths.read(path) for name, path in paths.items()}
    assert {name: tag.id for name, tag in tags.items()} == {"ann@example.org": ann, "ben@example.org": ben}
    assert all(path.endswith("@bounces.shop.example") and len(path.partition("@")[0]) <= 64 for path in paths.values())
    assert ann not in paths["ann@example.org"]


async def test_without_a_bounce_domain_what_comes_back_goes_to_the_sender():
    async with open_shop() as shop:
        _, path = await one_sent(shop)

        assert path == "news@shop.example"
        assert shop.return_paths.read(path) is None


@pytest.mark.parametrize("change", ["upper", "cut", "other"])
def test_a_return_path_is_read_in_any_case_and_only_as_we_made_it(change):
    paths = ReturnPaths(MemoryKeys(), domain="bounces.shop.example", sender="news@shop.example")
    others = ReturnPaths(MemoryKeys(), domain="bounces.shop.example", sender="news@shop.example")
    path = paths.of_copy("0f" * 16, "c-1")
    local, _, domain = path.partition("@")

    if change == "upper":
        assert paths.read(f"<{path.upper()}>") == paths.read(path)
        assert paths.read(path) is not None
    elif change == "cut":
        assert [paths.read(f"{local[:length]}@{domain}") for length in range(len(local))] == [None] * len(local)
    else:
        assert others.read(path) is None
        assert paths.read(f"{local}@shop.example") is None


async def test_old_return_paths_are_read_after_the_key_has_changed(shop):
    path = shop.return_paths.of_copy("0f" * 16, "c-1")
    shop.keys.rotate("link")

    assert shop.return_paths.read(path) is not None
    assert shop.return_paths.of_copy("0f" * 16, "c-1") != path


@pytest.mark.parametrize("message", [dsn("5.1.1"), complaint()])
async def test_a_hard_bounce_and_a_complaint_end_the_subscription_and_say_so(shop, deps, message):
    subscriber, path = await one_sent(shop)

    assert await came_back(deps, path, message)

    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED
    assert [event.type for _, _, event in shop.relay.announced] == ["mailer.subscription.changed.v1"]
    await shop.campaign("c-2")
    await shop.send()
    assert shop.sink.accepted.total() == 1


async def test_told_twice_it_is_announced_once(shop, deps):
    subscriber, path = await one_sent(shop)

    for _ in range(3):
        await came_back(deps, path, dsn())

    assert len(shop.relay.announced) == 1
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        (dsn("4.4.1", "delayed"), ""),
        (dsn("5.2.2"), ""),
        (b"Subject: I am away\r\nAuto-Submitted: auto-replied\r\n\r\nback on Monday\r\n", ""),
        (b"Subject: thank you\r\n\r\nunsubscribe 5.1.1\r\n", "ann@example.org"),
        (complaint("not-spam"), "fbl@provider.example"),
    ],
)
async def test_anything_less_leaves_the_subscription_alone(shop, deps, message, sender):
    subscriber, path = await one_sent(shop)

    await came_back(deps, path, message, sender=sender)

    assert await state_of(shop, subscriber) is SubscriptionState.CONFIRMED


async def test_the_third_soft_bounce_among_the_latest_ends_it(shop, deps):
    subscriber = await shop.subscriber("ann@example.org")
    states = []
    for number in range(3):
        await shop.campaign(f"c-{number}")
        await shop.send()
        await came_back(deps, shop.sink.envelopes[-1][1], dsn("5.2.2"))
        await came_back(deps, shop.sink.envelopes[-1][1], dsn("5.2.2"))
        states.append(await state_of(shop, subscriber))

    assert states == [SubscriptionState.CONFIRMED] * 2 + [SubscriptionState.UNSUBSCRIBED]


async def test_a_bounce_of_service_mail_ends_the_newsletters_of_that_address(shop, deps):
    subscriber = await shop.subscriber("ann@example.org")
    other = await shop.subscriber("ben@example.org")
    path = shop.return_paths.of_service_mail(shop.index.of("address", "ann@example.org"), at=shop.clock())

    tag = shop.return_paths.read(path)
    await came_back(deps, path, dsn())

    assert tag.stream is Stream.SERVICE
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED
    assert await state_of(shop, other) is SubscriptionState.CONFIRMED


async def test_a_complaint_to_the_registered_address_is_matched_by_what_it_holds(shop, deps):
    subscriber, path = await one_sent(shop)
    ben = await shop.subscriber("ben@example.org")
    by_link = complaint(original=f"List-Unsubscribe: <{shop.links.unsubscribe_url(ben)}>")

    assert await came_back(deps, "fbl@bounces.shop.example", complaint(mail_from=path))
    assert await came_back(deps, "fbl@bounces.shop.example", by_link)
    assert not await came_back(deps, "fbl@bounces.shop.example", complaint(mail_from="someone@example.org"))

    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED
    assert await state_of(shop, ben) is SubscriptionState.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("message", "returned", "is_paused"),
    [(dsn(), 19, False), (dsn(), 20, True), (complaint(), 2, False), (complaint(), 3, True), (dsn("5.2.2"), 30, False)],
)
async def test_a_flood_of_what_comes_back_pauses_the_campaign_and_tells_staff_once(
    shop, deps, message, returned, is_paused
):
    await shop.campaign("later")
    for number in range(40):
        await shop.subscriber(f"reader-{number}@example.org")
    shop.sink.script = lambda stage, recipient: b"451 later" if recipient.startswith("reader-39") else None
    await shop.send()
    before = len(shop.sink.messages)
    for _, path in [each for each in shop.sink.envelopes if "reader-39" not in each[0]][:returned]:
        await came_back(deps, path, message)

    campaign, report = await report_campaign(deps, "later")
    assert report.bounced + report.complained == returned
    mails = (await shop.mails())[before:]
    assert campaign.state is (CampaignState.PAUSED if is_paused else CampaignState.SENDING)
    assert [recipient for recipient, _ in mails] == ["watches@example.com"] * is_paused
    if is_paused:
        assert str(returned) in body_of(mails[0][1])
        await resume_campaign(deps, "later")
        await came_back(deps, shop.sink.envelopes[0][1], message)
        assert (await shop.campaigns.get("later")).state is not CampaignState.PAUSED


def signed(body: bytes, *, at: int, secret=SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Padlock-Signature": f"t={at},v1={mac}", "Content-Type": "application/json"}


async def told(client, shop, events, *, late=0, secret=SECRET) -> int:
    body = json.dumps({"events": events}).encode()
    at = int(shop.clock().timestamp()) - late
    return (await client.post(PATH, data=body, headers=signed(body, at=at, secret=secret))).status


async def test_the_relay_may_tell_it_over_http_if_it_signs(shop, client):
    subscriber, path = await one_sent(shop)
    bounce = {"return_path": path, "kind": "bounce", "status": "5.1.1"}

    refused = [await told(client, shop, [bounce], late=301), await told(client, shop, [bounce], secret="other")]
    untouched = await state_of(shop, subscriber)
    answered = await told(client, shop, [{"return_path": "x@y", "kind": "complaint"}, bounce])

    assert (refused, untouched) == ([400, 400], SubscriptionState.CONFIRMED)
    assert answered == 204
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": []}', b'{"events": [{"kind": "x"}]}', b"\xff"])
async def test_what_is_signed_but_says_nothing_is_refused(shop, client, body):
    answer = await client.post(PATH, data=body, headers=signed(body, at=int(shop.clock().timestamp())))

    assert answer.status == 400


async def test_without_a_secret_nothing_is_believed():
    assert settings_for(25).bounce_webhook_secret.get_secret_value() == ""


async def say(port: int, *lines: str) -> list[str]:
    """One LMTP dialogue; the code of each reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    codes = []
    async with asyncio.timeout(10):
        for line in ("", "LHLO mx.example", *lines):
            if line:
                writer.write(line.encode() + b"\r\n")
            while (reply := await reader.readline())[3:4] == b"-":
                pass
            codes.append(reply[:3].decode())
        writer.close()
    return codes[2:]


async def test_lmtp_takes_what_is_ours_and_says_no_to_the_rest(shop, deps):
    subscriber, path = await one_sent(shop)
    text = dsn().decode().replace("\r\n.", "\r\n..") + "\r\n."
    async with listening(deps, host="127.0.0.1", port=0) as port:
        codes = await say(
            port, "MAIL FROM:<>", "RCPT TO:<someone@bounces.shop.example>", "RCPT TO:<fbl@shop.example>",
            f"RCPT TO:<{path}>", f"RCPT TO:<{path}>", "DATA", text, "QUIT",
        )  # fmt: skip

    assert codes == ["250", "550", "550", "250", "452", "354", "250", "221"]
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED


async def test_lmtp_puts_off_what_cannot_be_noted_yet(shop, deps):
    _, path = await one_sent(shop)

    async def away(back):
        raise TransientError("database away")

    shop.returns.note = away
    async with listening(deps, host="127.0.0.1", port=0) as port:
        codes = await say(port, "MAIL FROM:<>", f"RCPT TO:<{path}>", "DATA", dsn().decode() + "\r\n.")

    assert codes[-1] == "451"
