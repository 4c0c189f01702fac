"""Claims over HTTP: opened, decided, answered, by the rules of steps, and told to others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.warranty.claims.decisions import load_claim_rules
from services.warranty.claims.domain import MOST_MESSAGES, Message, Problem, Remedy
from services.warranty.claims.steps import LEGAL, Status
from services.warranty.claims.usecases import Wish, open_claim
from services.warranty.holders import account_holder
from shared.contracts.warranty import (
    AccessRecorded,
    ClaimNotice,
    ClaimOpened,
    ClaimResolved,
    ClaimUpdated,
    RefundRequested,
    ReplacementRequested,
)
from shared.errors import TransientError
from shared.events import Event
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.world import World

CLAIMS = "/api/warranty/claims"
WISH = {"purchase_id": "o-1-1-1", "problem": "stopped", "wanted": "repair", "words": "It stopped at noon."}


async def opened(client: Client, world: World, account: str = "a-1", **changes: Any) -> dict[str, Any]:
    """A claim of an account for its watch."""
    await world.deliver(account)
    response = await client.post(CLAIMS, json=WISH | changes, headers=world.as_customer(account))
    assert response.status == 201, await response.text()
    claim: dict[str, Any] = await response.json()
    return claim


async def step(
    client: Client, world: World, claim: dict[str, Any], name: str, body: Any = None, *, who: str = "staff-1"
) -> tuple[int, dict[str, Any]]:
    """A step of the staff; the status, and what follows."""
    path = f"{CLAIMS}/{claim['id']}/{name}"
    response = await client.post(path, json=body, headers=world.as_staff("support", who=who))
    return response.status, await response.json()


def told(world: World, type_: str) -> list[Event]:
    return [event for event in world.claims.events if event.type == type_]


async def test_a_claim_is_opened_with_cover_deadlines_and_history(client: Client, world: World) -> None:
    claim = await opened(client, world)

    assert (claim["status"], claim["problem"], claim["wanted"]) == ("submitted", "stopped", "repair")
    assert claim["words"] == "It stopped at noon."
    assert claim["cover"] == {
        "is_covered": True, "since": "2026-11-20", "until": "2027-11-20", "rule": "maker", "rule_version": 1, "why": "",
    }  # fmt: skip
    # Friday; Monday is a holiday, and neither counts a weekend.
    assert (claim["answer_by"], claim["resolve_by"]) == ("2026-11-25T18:00:00+09:00", "2026-12-07T18:00:00+09:00")
    assert [(row["status"], row["by"]) for row in claim["history"]] == [("submitted", "customer")]
    [event] = told(world, ClaimOpened.TYPE)
    notice = event.read(ClaimOpened)
    to = world.sealing.unsealer("mailer").open(ClaimNotice, notice.recipient, event=event, field="recipient")
    assert (to.name, to.email) == ("Ann Example", "ann@example.org")
    assert to.link == f"https://localhost:8443/warranty/claims/{claim['id']}"


async def test_nothing_that_a_claimant_wrote_is_stored_in_clear(client: Client, world: World) -> None:
    claim = await opened(client, world)
    await client.post(
        f"{CLAIMS}/{claim['id']}/messages", json={"text": "And at one."}, headers=world.as_customer("a-1")
    )

    [stored] = world.claims.claims.values()

    assert b"noon" not in repr(stored).encode()
    assert b"And at one" not in repr(stored).encode()
    assert b"ann@" not in repr(stored).encode()


async def test_a_guest_claims_with_the_link_of_the_order(client: Client, world: World) -> None:
    await world.deliver("")
    link = {"order": "o-1", "t": world.token_of("o-1")}

    made = await client.post(CLAIMS, params=link, json=WISH)
    listed = await client.get(CLAIMS, params=link)
    seen = await client.get(f"{CLAIMS}/{(await made.json())['id']}", params=link)
    other = await client.get(CLAIMS, params=link | {"t": world.token_of("o-2")})

    assert (made.status, listed.status, seen.status, other.status) == (201, 200, 200, 404)
    assert [row["id"] for row in (await listed.json())["items"]] == [(await made.json())["id"]]


async def test_an_item_has_one_open_claim(client: Client, world: World) -> None:
    await opened(client, world)

    again = await client.post(CLAIMS, json=WISH, headers=world.as_customer("a-1"))

    assert (again.status, (await again.json())["type"]) == (409, "/problems/claim-open")


async def test_others_claims_and_items_answer_as_if_absent(client: Client, world: World) -> None:
    claim = await opened(client, world)
    other = world.as_customer("a-2")

    answers = [
        await client.post(CLAIMS, json=WISH, headers=other),
        await client.get(f"{CLAIMS}/{claim['id']}", headers=other),
        await client.get(f"{CLAIMS}/c-9", headers=other),
        await client.post(f"{CLAIMS}/{claim['id']}/messages", json={"text": "hi"}, headers=other),
        await client.post(f"{CLAIMS}/{claim['id']}/withdrawal", headers=other),
        await client.post(f"{CLAIMS}/{claim['id']}/decision", json={"outcome": "refund"}, headers=other),
        await client.get("/api/warranty/desk/claims", headers=other),
        await client.get(CLAIMS),
    ]

    assert [answer.status for answer in answers] == [404, 404, 404, 404, 404, 403, 403, 401]
    another, absent = [await answer.json() for answer in answers[1:3]]
    assert another | {"instance": ""} == absent | {"instance": ""}


async def test_out_of_cover_is_explained_with_days_and_rule_and_nothing_is_stored(client: Client, world: World) -> None:
    await world.deliver("a-1")
    world.clock.at = NOON + timedelta(days=366)

    refused = await client.post(CLAIMS, json=WISH, headers=world.as_customer("a-1"))

    problem = await refused.json()
    assert (refused.status, problem["type"]) == (409, "/problems/not-covered")
    assert "from 2026-11-20 until 2027-11-20, by rule maker, version 1" in problem["detail"]
    assert [fault["code"] for fault in problem["errors"]] == ["over"]
    assert world.claims.claims == {}


async def test_goodwill_takes_two_of_the_staff(client: Client, world: World) -> None:
    await world.deliver("a-1")
    world.clock.at = NOON + timedelta(days=366)
    response = await client.post(CLAIMS, json=WISH | {"goodwill": True}, headers=world.as_customer("a-1"))
    claim = await response.json()

    first = await step(client, world, claim, "decision", {"outcome": "repair", "note": "a good customer"})
    same = await step(client, world, claim, "decision", {"outcome": "repair"})
    second = await step(client, world, claim, "decision", {"outcome": "repair"}, who="staff-2")

    assert (first[0], first[1]["status"], first[1]["proposed"]) == (200, "under_review", "repair")
    assert (same[0], same[1]["type"]) == (409, "/problems/second-person-needed")
    assert (second[0], second[1]["status"], second[1]["decided"]) == (200, "waiting_for_item", "repair")
    stored = world.claims.claims[claim["id"]]
    assert stored.decision is not None
    assert (stored.decision.by, stored.decision.approved_by) == ("staff:staff-1", "staff:staff-2")


async def test_two_who_decide_at_once_make_one_outcome(client: Client, world: World) -> None:
    claim = await opened(client, world)
    seen = await client.get(f"/api/warranty/desk/claims/{claim['id']}", headers=world.as_staff("support"))
    tag = {"If-Match": seen.headers["ETag"]}
    path = f"{CLAIMS}/{claim['id']}/decision"

    one = await client.post(path, json={"outcome": "refund"}, headers=world.as_staff("support") | tag)
    two = await client.post(path, json={"outcome": "rejected"}, headers=world.as_staff("support", who="s-2") | tag)

    assert (one.status, two.status) == (200, 412)
    assert (await two.json())["type"] == "/problems/changed-meanwhile"
    assert len(told(world, RefundRequested.TYPE)) == 1


@pytest.mark.parametrize(
    ("outcome", "type_", "status"),
    [
        ("refund", RefundRequested.TYPE, "approved"),
        ("replacement", ReplacementRequested.TYPE, "approved"),
        ("approved", "", "waiting_for_item"),
        ("rejected", "", "rejected"),
    ],
)
async def test_a_decision_asks_who_does_it_in_the_same_write(
    client: Client, world: World, outcome: str, type_: str, status: str
) -> None:
    claim = await opened(client, world)

    code, decided = await step(client, world, claim, "decision", {"outcome": outcome, "note": "We see."})

    assert (code, decided["status"]) == (200, status)
    assert decided["history"][1]["note"] == "We see."
    asked = [event for event in world.claims.events if event.type.endswith("requested.v1")]
    assert [event.type for event in asked] == ([type_] if type_ else [])
    if type_:
        assert asked[0].data["claim_id"] == claim["id"]
        assert asked[0].data["item_id"] == "o-1-1-1"


async def test_an_item_that_must_come_back_first_is_asked_for_and_then_released(client: Client, world: World) -> None:
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    claim = await opened(client, world)

    waiting = await step(client, world, claim, "decision", {"outcome": "refund", "return_first": True})
    received = await step(client, world, claim, "receipt", {"serial": "tf-1"})
    released = await step(client, world, claim, "release")

    assert [each[1]["status"] for each in (waiting, received, released)] == ["waiting_for_item", "received", "approved"]
    assert len(told(world, RefundRequested.TYPE)) == 1


async def test_a_swapped_item_is_flagged_and_can_be_refused(client: Client, world: World) -> None:
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    claim = await opened(client, world)
    await step(client, world, claim, "decision", {"outcome": "approved"})

    received = await step(client, world, claim, "receipt", {"serial": "TF-9"})
    refused = await step(client, world, claim, "refusal", {"note": "another watch"})

    assert received[1]["flags"] == ["swapped-serial"]
    assert (refused[1]["status"], refused[1]["history"][-1]["why"]) == ("rejected", "item-refused")
    assert [event.read(ClaimResolved).outcome for event in told(world, ClaimResolved.TYPE)] == ["rejected"]


@pytest.mark.parametrize(("outcome", "wrong"), [("repair", "release"), ("refund", "repair")])
async def test_an_item_that_came_goes_on_as_it_was_decided(
    client: Client, world: World, outcome: str, wrong: str
) -> None:
    claim = await opened(client, world)
    await step(client, world, claim, "decision", {"outcome": outcome, "return_first": True})
    await step(client, world, claim, "receipt", {"serial": ""})

    status, problem = await step(client, world, claim, wrong, {"diagnosis": "the coil"} if wrong == "repair" else None)

    assert (status, problem.get("type", "").rsplit("/", 1)[-1]) == (409, "illegal-step")
    assert world.claims.claims[claim["id"]].status is Status.RECEIVED


@pytest.mark.parametrize("name", ["release", "refusal"])
async def test_nothing_that_has_not_come_is_released_or_refused(client: Client, world: World, name: str) -> None:
    claim = await opened(client, world)

    status, problem = await step(client, world, claim, name, {"note": "another watch"} if name == "refusal" else None)

    assert (status, problem["type"]) == (409, "/problems/illegal-step")
    assert world.claims.claims[claim["id"]].status is Status.SUBMITTED


async def test_a_serial_number_that_could_not_be_read_flags_nothing(client: Client, world: World) -> None:
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    claim = await opened(client, world)
    await step(client, world, claim, "decision", {"outcome": "approved"})

    _, received = await step(client, world, claim, "receipt", {"serial": " "})

    assert (received["status"], received["flags"]) == ("received", [])


async def test_a_repair_runs_to_its_end_and_makes_the_cover_longer(client: Client, world: World) -> None:
    claim = await opened(client, world)
    await step(client, world, claim, "decision", {"outcome": "approved"})
    await step(client, world, claim, "receipt", {"serial": ""})
    world.clock.at = NOON + timedelta(days=4, hours=1)

    begun = await step(client, world, claim, "repair", {"diagnosis": "the coil", "cost_minor": 1200})
    ended = await step(client, world, claim, "return")

    assert (begun[1]["status"], begun[1]["diagnosis"], begun[1]["cost_minor"]) == ("in_repair", "the coil", 1200)
    assert (ended[1]["status"], ended[1]["history"][-1]["why"]) == ("closed", "repaired")
    [record] = await world.listed("a-1")
    assert record.extended_days == 5
    [event] = told(world, ClaimResolved.TYPE)
    assert event.read(ClaimResolved).outcome == "repair"


async def test_who_dies_between_the_two_writes_of_a_return_loses_no_day(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = await opened(client, world)
    await step(client, world, claim, "decision", {"outcome": "approved"})
    await step(client, world, claim, "receipt", {"serial": ""})
    await step(client, world, claim, "repair", {"diagnosis": "the coil"})

    async def die(*_: object) -> None:
        raise TransientError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(world.claims, "save", die)
        died, _ = await step(client, world, claim, "return")
    again, ended = await step(client, world, claim, "return")

    assert (died, again, ended["status"]) == (503, 200, "closed")
    [record] = await world.listed("a-1")
    assert record.extended_days == 1


async def test_questions_wait_for_the_claimants_answer(client: Client, world: World) -> None:
    claim = await opened(client, world)

    asked = await step(client, world, claim, "questions", {"text": "Was it in water?"})
    answer = await client.post(
        f"{CLAIMS}/{claim['id']}/messages", json={"text": "Never."}, headers=world.as_customer("a-1")
    )

    assert asked[1]["status"] == "more_information_needed"
    after = await answer.json()
    assert (answer.status, after["status"]) == (201, "under_review")
    assert [(row["by"], row["text"]) for row in after["messages"]] == [
        ("staff", "Was it in water?"), ("customer", "Never."),
    ]  # fmt: skip
    [event] = [each for each in told(world, ClaimUpdated.TYPE) if each.read(ClaimUpdated).what == "message"]
    sealed = event.read(ClaimUpdated).recipient
    to = world.sealing.unsealer("mailer").open(ClaimNotice, sealed, event=event, field="recipient")
    assert to.message == "Was it in water?"


async def test_a_claim_that_is_full_of_messages_says_so_and_no_waiting_helps(client: Client, world: World) -> None:
    claim = await opened(client, world)
    stored = world.claims.claims[claim["id"]]
    full = replace(stored, messages=tuple(Message(f"m-{n}", NOON, "customer", b"") for n in range(MOST_MESSAGES)))
    world.claims.claims[claim["id"]] = full

    refused = await client.post(
        f"{CLAIMS}/{claim['id']}/messages", json={"text": "And?"}, headers=world.as_customer("a-1")
    )
    asked, problem = await step(client, world, claim, "questions", {"text": "Was it in water?"})
    decided, _ = await step(client, world, claim, "decision", {"outcome": "rejected"})

    assert (refused.status, (await refused.json())["type"]) == (409, "/problems/too-many-messages")
    assert "Retry-After" not in refused.headers
    assert (asked, problem["type"], decided) == (409, "/problems/too-many-messages", 200)


async def test_a_claimant_withdraws_until_it_is_under_way(client: Client, world: World) -> None:
    claim = await opened(client, world)
    path, who = f"{CLAIMS}/{claim['id']}/withdrawal", world.as_customer("a-1")

    withdrawn = await client.post(path, headers=who)
    again = await client.post(path, headers=who)
    second = await client.post(CLAIMS, json=WISH, headers=who)
    await step(client, world, await second.json(), "decision", {"outcome": "refund"})
    late = await client.post(f"{CLAIMS}/{(await second.json())['id']}/withdrawal", headers=who)

    assert [(await each.json())["status"] for each in (withdrawn, again)] == ["withdrawn", "withdrawn"]
    assert (late.status, (await late.json())["type"]) == (409, "/problems/illegal-step")


async def test_rules_approve_what_fits_and_say_which(client: Client, world: World) -> None:
    world.deps = replace(world.deps, claim_rules=load_claim_rules())
    await world.deliver("a-1")
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)

    wish = Wish(Problem.STOPPED, Remedy.REPLACEMENT)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)

    assert claim.status is Status.APPROVED
    assert claim.decision is not None
    assert (claim.decision.by, claim.decision.rule) == ("rules", "dead-on-arrival")
    assert len(told(world, ReplacementRequested.TYPE)) == 1


async def test_claims_are_counted_by_claimant_and_by_item(client: Client, world: World) -> None:
    world.deps = replace(world.deps, claim_rules=load_claim_rules())
    wish = Wish(Problem.STOPPED, Remedy.REPLACEMENT)

    made = []
    for account, order in [("a-1", "o-1"), ("a-1", "o-2"), ("a-1", "o-3"), ("a-2", "o-4")]:
        await world.deliver(account, order=order)
        await world.purchases.number(f"{order}-1-1", f"TF-{order}", at=NOON)
        made.append(await open_claim(world.deps, account_holder(world.deps, account), f"{order}-1-1", wish))

    assert [claim.decision.rule if claim.decision else "" for claim in made] == [
        "dead-on-arrival", "", "", "dead-on-arrival",
    ]  # fmt: skip
    assert [claim.flags for claim in made] == [(), (), ("repeated-claims",), ()]


async def test_an_item_that_was_claimed_often_is_flagged_whoever_claims(client: Client, world: World) -> None:
    await opened(client, world)
    [claim] = world.claims.claims.values()
    another = replace(claim, holder_key="k-9", status=Status.CLOSED)
    world.claims.claims = {f"c-{n}": replace(another, id=f"c-{n}") for n in range(2)}

    await opened(client, world)

    [flags] = [each.flags for each in world.claims.claims.values() if each.is_open]
    assert flags == ("repeated-claims",)


@pytest.mark.parametrize(
    ("serial", "flags"), [("TF-1", []), ("tf - 1", []), ("TF-7", ["serial-of-another"]), ("TF-9", ["serial-differs"])]
)
async def test_a_serial_number_that_does_not_fit_is_flagged(
    client: Client, world: World, serial: str, flags: list[str]
) -> None:
    await world.deliver("a-2", order="o-7")
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    await world.purchases.number("o-7-1-1", "TF-7", at=NOON)

    claim = await opened(client, world, serial=serial)

    seen = await client.get(f"/api/warranty/desk/claims/{claim['id']}", headers=world.as_staff("support"))
    assert (await seen.json())["flags"] == flags


async def test_who_of_the_staff_reads_a_claim_is_told_to_its_claimant_once_a_day(client: Client, world: World) -> None:
    claim = await opened(client, world)
    path = f"/api/warranty/desk/claims/{claim['id']}"

    for who in ("s-1", "s-1", "s-2"):
        assert (await client.get(path, headers=world.as_staff("support", who=who))).status == 200

    events = [event for events in world.accesses.kept.values() for event in events]
    assert [event.read(AccessRecorded).staff_id for event in events] == ["s-1", "s-2"]
    assert {event.read(AccessRecorded).account_id for event in events} == {"a-1"}


async def test_the_desk_shows_no_name_and_no_address(client: Client, world: World) -> None:
    claim = await opened(client, world)
    support = world.as_staff("support")

    pages = [await client.get("/api/warranty/desk/claims", headers=support),
             await client.get(f"/api/warranty/desk/claims/{claim['id']}", headers=support)]  # fmt: skip

    for page in pages:
        text = await page.text()
        assert "Ann" not in text
        assert "example.org" not in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("problem", "magic"), ("wanted", "money"), ("words", "x" * 4001), ("words", "a\u0000b"),
        ("words", "4242 4242 4242 4242"), ("serial", "<b>"), ("purchase_id", ""), ("goodwill", "yes"), ("status", "x"),
    ],
)  # fmt: skip
async def test_bad_input_names_its_field(client: Client, world: World, field: str, value: Any) -> None:
    await world.deliver("a-1")

    refused = await client.post(CLAIMS, json=WISH | {field: value}, headers=world.as_customer("a-1"))

    assert refused.status == 422
    assert [fault["pointer"] for fault in (await refused.json())["errors"]] == [f"/{field}"]
    assert world.claims.claims == {}


def test_every_status_can_be_reached_and_what_has_ended_stays() -> None:
    reached = {Status.SUBMITTED}.union(*LEGAL.values())

    assert reached == set(Status)
    assert {status for status, steps in LEGAL.items() if not steps} == {
        Status.REJECTED, Status.CLOSED, Status.WITHDRAWN,
    }  # fmt: skip
