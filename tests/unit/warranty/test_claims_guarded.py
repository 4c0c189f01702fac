"""What a claim must not become: a second remedy, money for a watch that others own, a way to learn about others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.warranty.claims.decisions import load_claim_rules
from services.warranty.claims.domain import MOST_CLAIMS, Problem, Remedy
from services.warranty.claims.sweep import sweep_claims
from services.warranty.claims.usecases import Wish, open_claim
from services.warranty.holders import account_holder
from services.warranty.orders import order_handlers
from services.warranty.records.domain import FromTheFuture, PurchaseNotFound
from services.warranty.transfers.usecases import CLAIM_TAKES
from shared.contracts.orders import RefundCompleted, RefundRefused, ReplacementCreated, ReplacementRefused
from shared.contracts.warranty import ClaimNotice, ClaimOpened, RefundRequested
from shared.events import Contract, Event
from tests.unit.warranty.claim_doubles import a_claim
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.test_claims import CLAIMS, WISH, opened, step, told
from tests.unit.warranty.test_transfers import offered, taken
from tests.unit.warranty.world import World

A_YEAR_AND_A_DAY = timedelta(days=366)


async def claimed(client: Client, world: World, account: str = "a-1", **changes: Any) -> tuple[int, dict[str, Any]]:
    """An account claims the watch that it has."""
    response = await client.post(CLAIMS, json=WISH | changes, headers=world.as_customer(account))
    return response.status, await response.json()


async def test_a_watch_is_not_taken_over_while_its_owner_is_claiming_it(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is tried after the claim was begun, and before anybody could see it."""
    await world.deliver("a-1")
    code, add = await offered(client, world), world.claims.add
    tried: list[int] = []

    async def add_while_another_takes(*stored: Any) -> None:
        tried.append((await taken(client, world, code))[0])
        await add(*stored)

    monkeypatch.setattr(world.claims, "add", add_while_another_takes)
    status, _ = await claimed(client, world, wanted="refund")

    assert (tried, status) == ([503], 201)
    assert [record.id for record in await world.listed("a-1")] == ["o-1-1-1"]
    assert (await taken(client, world, code))[0] == 409


async def test_who_has_just_handed_a_watch_on_claims_it_no_more(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to another between the look at whose it is and the claim."""
    await world.deliver("a-1")
    code, count = await offered(client, world), world.claims.count_earlier

    async def count_while_another_takes(*asked: Any, **more: Any) -> int:
        assert (await taken(client, world, code))[0] == 200
        return await count(*asked, **more)

    monkeypatch.setattr(world.claims, "count_earlier", count_while_another_takes)
    status, problem = await claimed(client, world, wanted="refund")

    assert (status, problem["type"]) == (404, f"/problems/{PurchaseNotFound.code}")
    assert world.claims.claims == {}


async def test_a_watch_is_taken_over_once_its_claim_was_withdrawn(client: Client, world: World) -> None:
    await world.deliver("a-1")
    code = await offered(client, world)
    _, claim = await claimed(client, world)
    await client.post(f"{CLAIMS}/{claim['id']}/withdrawal", headers=world.as_customer("a-1"))

    early, _ = await taken(client, world, code)
    world.clock.advance(seconds=CLAIM_TAKES.total_seconds() + 1)
    later, _ = await taken(client, world, code)

    assert (early, later) == (503, 200)


async def test_reasons_to_look_twice_are_for_the_staff_alone(client: Client, world: World) -> None:
    """Or whoever claims could try which serial numbers there are."""
    await world.deliver("a-2", order="o-7")
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    await world.purchases.number("o-7-1-1", "TF-7", at=NOON)
    await opened(client, world, serial="TF-7")

    mine = await client.get(CLAIMS, headers=world.as_customer("a-1"))
    queue = await client.get("/api/warranty/desk/claims", headers=world.as_staff("support"))

    assert "serial-of-another" not in await mine.text()
    assert [row["flags"] for row in (await queue.json())["items"]] == [["serial-of-another"]]


async def test_what_was_not_shipped_is_approved_by_no_rule(world: World) -> None:
    world.deps = replace(world.deps, claim_rules=load_claim_rules())
    await world.deliver("a-1")

    wish = Wish(Problem.STOPPED, Remedy.REPAIR)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)

    assert claim.decision is None


async def test_what_was_shipped_after_its_claim_is_held_against_the_serial_number_of_then(
    client: Client, world: World
) -> None:
    claim = await opened(client, world)
    headers = world.as_staff("support") | {"Accept": "text/html"}
    before = await client.get(f"/desk/warranty/claims/{claim['id']}", headers=headers)
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    await step(client, world, claim, "decision", {"outcome": "repair"})

    _, received = await step(client, world, claim, "receipt", {"serial": "TF-9"})
    after = await client.get(f"/desk/warranty/claims/{claim['id']}", headers=headers)

    assert received["flags"] == ["swapped-serial"]
    assert ["not shipped yet" in await each.text() for each in (before, after)] == [True, False]


async def test_where_money_of_the_order_went_back_already_a_person_looks(world: World) -> None:
    world.deps = replace(world.deps, claim_rules=load_claim_rules())
    await world.deliver("a-1")
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    await world.purchases.note_refunded("o-1", 1)

    wish = Wish(Problem.STOPPED, Remedy.REPAIR)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)

    assert (claim.decision, claim.flags) == (None, ("order-refunded",))


@pytest.mark.parametrize("goodwill", [False, True])
@pytest.mark.parametrize("why", ["cancelled", "refunded"])
async def test_what_was_paid_back_is_claimed_no_more_not_even_as_goodwill(
    client: Client, world: World, why: str, goodwill: bool
) -> None:
    await world.deliver("a-1")
    if why == "cancelled":
        await world.purchases.note_cancelled("o-1", at=NOON)
    else:
        await world.purchases.note_paid_back("o-1-1-1", "c-0")

    status, problem = await claimed(client, world, goodwill=goodwill)

    assert (status, problem["errors"][0]["code"]) == (409, why)
    assert "Goodwill" not in problem["detail"]
    assert world.claims.claims == {}


async def test_a_proposal_of_goodwill_keeps_who_when_and_why_and_whether_the_item_comes_first(
    client: Client, world: World
) -> None:
    await world.deliver("a-1")
    world.clock.at = NOON + A_YEAR_AND_A_DAY
    _, claim = await claimed(client, world, goodwill=True, wanted="refund")
    await step(client, world, claim, "review")

    world.clock.advance(seconds=60)
    proposal = {"outcome": "refund", "note": "a good customer", "return_first": True}
    await step(client, world, claim, "decision", proposal)
    world.clock.advance(seconds=60)
    _, decided = await step(client, world, claim, "decision", {"outcome": "refund", "note": "I agree"}, who="staff-2")

    assert [(row["by"], row["why"], row["note"]) for row in decided["history"]][1:] == [
        ("staff:staff-1", "", ""),
        ("staff:staff-1", "goodwill-proposed", "a good customer"),
        ("staff:staff-2", "goodwill", "I agree"),
        ("staff:staff-2", "", ""),
    ]
    assert decided["status"] == "waiting_for_item"
    assert told(world, RefundRequested.TYPE) == []


async def test_what_never_comes_or_cannot_be_repaired_is_decided_anew(client: Client, world: World) -> None:
    claim = await opened(client, world)

    await step(client, world, claim, "decision", {"outcome": "repair"})
    _, never = await step(client, world, claim, "review")
    await step(client, world, claim, "decision", {"outcome": "repair"})
    await step(client, world, claim, "receipt", {"serial": ""})
    early, _ = await step(client, world, claim, "review")
    await step(client, world, claim, "repair", {"diagnosis": "the case"})
    _, broken = await step(client, world, claim, "review")
    _, rejected = await step(client, world, claim, "decision", {"outcome": "rejected", "note": "It was run over."})

    assert [(each["status"], each["decided"], each["history"][-1]["why"]) for each in (never, broken)] == [
        ("under_review", "", "decide-anew")
    ] * 2
    assert (early, rejected["status"]) == (409, "rejected")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("decision", {"outcome": "refund"}), ("review", None), ("questions", {"text": "?"}), ("answers", {"text": "!"}),
        ("receipt", {"serial": ""}), ("release", None), ("refusal", {"note": "no"}), ("repair", {"diagnosis": "x"}),
        ("return", None),
    ],
)  # fmt: skip
async def test_nobody_of_the_staff_handles_a_claim_of_their_own(
    client: Client, world: World, name: str, body: dict[str, str] | None
) -> None:
    claim = await opened(client, world, "staff-1")
    before = world.claims.claims[claim["id"]]

    own, problem = await step(client, world, claim, name, body, who="staff-1")

    assert (own, problem["type"]) == (409, "/problems/own-claim")
    assert world.claims.claims[claim["id"]] == before


async def test_an_item_is_claimed_so_often_and_not_for_ever(client: Client, world: World) -> None:
    """Or an open claim could be hidden behind a thousand that were withdrawn."""
    await world.deliver("a-1", items=2)
    ended = a_claim("c-0").withdrawn(at=NOON)
    world.claims.claims = {f"c-{n}": replace(ended, id=f"c-{n}") for n in range(MOST_CLAIMS)}

    status, problem = await claimed(client, world)
    other, _ = await claimed(client, world, purchase_id="o-1-1-2")

    assert (status, problem["type"], other) == (409, "/problems/too-many-claims", 201)


async def test_what_is_due_soon_is_said_in_the_queue(client: Client, world: World) -> None:
    claim = await opened(client, world)
    stored = world.claims.claims[claim["id"]]
    world.clock.at = stored.clock.first_answer_by - timedelta(hours=3)
    before = await client.get("/desk/warranty", headers=world.as_staff("support") | {"Accept": "text/html"})
    await sweep_claims(world.deps)

    after = await client.get("/desk/warranty", headers=world.as_staff("support") | {"Accept": "text/html"})
    world.clock.at = stored.clock.first_answer_by
    await sweep_claims(world.deps)
    late = await client.get("/desk/warranty", headers=world.as_staff("support") | {"Accept": "text/html"})

    assert ["due soon" in await each.text() for each in (before, after, late)] == [False, True, False]
    assert ">overdue<" in await late.text()


async def test_a_guest_opens_the_link_of_a_mail_until_an_account_has_the_order(client: Client, world: World) -> None:
    await world.deliver("", items=2)
    link = {"order": "o-1", "t": world.token_of("o-1")}
    made = await (await client.post(CLAIMS, params=link, json=WISH)).json()
    [event] = told(world, ClaimOpened.TYPE)
    sealed = event.read(ClaimOpened).recipient
    mailed = world.sealing.unsealer("mailer").open(ClaimNotice, sealed, event=event, field="recipient").link
    path = mailed.removeprefix("https://localhost:8443")

    page = await client.get(path, headers={"Accept": "text/html"})
    said = await client.post(
        path.replace("/warranty", "/api/warranty", 1).replace("?", "/messages?"), json={"text": "hi"}
    )
    other = await client.get(path.replace("order=o-1", "order=o-2"), headers={"Accept": "text/html"})
    guessed = await client.get(path[:-4] + "0000", headers={"Accept": "text/html"})

    assert made["id"] in path
    assert world.token_of("o-1") not in path
    assert (page.status, said.status, other.status, guessed.status) == (200, 201, 404, 404)


async def test_an_account_gets_a_link_without_a_token(client: Client, world: World) -> None:
    claim = await opened(client, world)

    [event] = told(world, ClaimOpened.TYPE)
    sealed = event.read(ClaimOpened).recipient
    to = world.sealing.unsealer("mailer").open(ClaimNotice, sealed, event=event, field="recipient")
    assert to.link.endswith(f"/warranty/claims/{claim['id']}")


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧 we all saw it", "نمی\u200cشود", "co\u00adoperate"])
async def test_words_may_be_joined_as_their_script_wants_it(client: Client, world: World, text: str) -> None:
    claim = await opened(client, world, words=text)

    assert claim["words"] == text.replace("\u00ad", "")


@pytest.mark.parametrize("text", [" ", "\n\t\n", "\u00ad", "a\u202eb", "a\u200eb", "\ufeffa", "a\x1bb"])
async def test_a_message_says_something_and_turns_nothing_around(client: Client, world: World, text: str) -> None:
    claim = await opened(client, world)

    said = await client.post(f"{CLAIMS}/{claim['id']}/messages", json={"text": text}, headers=world.as_customer("a-1"))
    asked, _ = await step(client, world, claim, "questions", {"text": text})

    assert (said.status, asked) == (422, 422)
    assert world.claims.claims[claim["id"]].messages == ()


LATER = NOON + timedelta(days=40)
ANSWERS: list[Contract] = [
    RefundCompleted(
        refund_id="r-1", order_id="o-1", number="N", completed_at=LATER, currency="JPY", amount_minor=1,
        refunded_minor=1, source="claim:c-1", claim_id="c-1", recipient={},
    ),
    RefundRefused(
        refund_id="r-1", order_id="o-1", source="claim:c-1", claim_id="c-1", amount_minor=None, reason="x",
        refused_at=LATER,
    ),
    ReplacementCreated(
        claim_id="c-1", order_id="o-1", item_id="o-1-1-1", replacement_order_id="o-2", number="N", created_at=LATER
    ),
    ReplacementRefused(claim_id="c-1", order_id="o-1", item_id="o-1-1-1", reason="x", refused_at=LATER),
]  # fmt: skip


@pytest.mark.parametrize("told_", ANSWERS, ids=lambda each: each.TYPE)
async def test_an_answer_from_the_future_waits_for_its_day(world: World, told_: Contract) -> None:
    event = Event.of(told_, id="e-1", subject="o-1", at=NOON)

    with pytest.raises(FromTheFuture):
        await order_handlers(world.deps)[event.type](event)

    assert world.purchases.refunded == {}
