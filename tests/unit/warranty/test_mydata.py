"""What a person may ask of warranty: a copy, and to be forgotten. Through the handlers of its queues."""

from dataclasses import replace

import pytest

from services.warranty.claims import desk
from services.warranty.claims.domain import Claim, Problem, Remedy
from services.warranty.claims.steps import Status
from services.warranty.claims.usecases import Wish, find_own, open_claim, say
from services.warranty.claims.views import view_of
from services.warranty.holders import account_holder, holder_of
from services.warranty.mydata.holdings import PERSONS
from services.warranty.orders import order_handlers
from services.warranty.records.domain import PurchaseNotFound
from services.warranty.work import PURCHASES, build_work
from shared.contracts.orders import OrderClaimed
from shared.contracts.warranty import ClaimNotice, ClaimResolved, PersonErased, PersonExported
from shared.events import Event
from shared.testing.persons import AskingAuth, told
from tests.unit.warranty.test_orders import claimed
from tests.unit.warranty.world import STAFF, World


@pytest.fixture
def auth(world: World) -> AskingAuth:
    return AskingAuth(world.sealing)


async def hear(world: World, event: Event) -> None:
    """The event arrives on the queue that is bound to it."""
    queue = PERSONS if event.type.startswith("auth.") else PURCHASES
    await build_work(world.deps).handlers[queue][event.type](event)


async def test_a_copy_has_all_of_ones_own_records_and_no_others(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1", order="o-1", items=2)
    await world.deliver("a-2", order="o-2")
    await world.deliver("", order="o-3")

    await hear(world, auth.export("a-1"))

    [event] = world.answers.events
    rows = auth.collected(event, PersonExported)["purchases"]
    assert [row["purchase_id"] for row in rows] == ["o-1-1-2", "o-1-1-1"]
    assert rows[0] | {"name": "Kisai Rogue", "unit_price_minor": 19800, "covered_until": "2027-11-20"} == rows[0]


async def test_a_copy_has_the_days_that_repairs_have_added(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1")
    await world.purchases.extend("o-1-1-1", "c-1", 5)

    await hear(world, auth.export("a-1"))

    [row] = auth.collected(world.answers.events[0], PersonExported)["purchases"]
    assert row["covered_until"] == "2027-11-25"


async def test_a_copy_for_somebody_unknown_is_empty(world: World, auth: AskingAuth) -> None:
    await hear(world, auth.export("nobody"))

    assert auth.collected(world.answers.events[0], PersonExported) == {"purchases": []}


async def test_an_erasure_cuts_the_link_and_keeps_the_fact(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1", order="o-1", items=2)
    await world.deliver("a-2", order="o-2")

    await hear(world, auth.erasure("a-1"))

    assert await world.listed("a-1") == []
    assert [record.id for record in await world.listed("a-2")] == ["o-2-1-1"]
    assert await world.purchases.count() == 3
    assert [record.owner for record in world.purchases.records.values() if record.order_id == "o-1"] == [None, None]
    assert list(world.data_keys.stored) == ["a-2"]
    answer = told(world.answers.events[0], PersonErased)
    assert answer == {"erased": {"owner-links": 2}, "kept": {"purchase-facts": 2}}


async def test_a_purchase_that_arrives_after_the_erasure_is_recorded_without_its_owner(
    world: World, auth: AskingAuth
) -> None:
    await hear(world, auth.erasure("a-1"))

    await hear(world, world.purchase("a-1", order="o-9"))

    assert world.purchases.records["o-9-1-1"].owner is None
    assert world.data_keys.stored == {}


async def test_a_purchase_that_a_process_records_with_a_key_it_still_remembers_is_unlinked_again(
    world: World, auth: AskingAuth
) -> None:
    await world.deliver("a-1", order="o-1")
    await world.data_keys.remove("a-1")  # as another process erases: this one remembers the key for 5 s

    await hear(world, world.purchase("a-1", order="o-2"))

    assert [record.owner for record in world.purchases.records.values()] == [None, None]


async def test_the_same_erasure_twice_answers_once_and_the_same(world: World, auth: AskingAuth) -> None:
    await world.deliver("a-1")

    for _ in range(2):
        await hear(world, auth.erasure("a-1"))

    assert [told(event, PersonErased)["erased"] for event in world.answers.events] == [{"owner-links": 1}]


async def test_an_account_that_warranty_never_heard_of_is_answered_with_nothing(world: World, auth: AskingAuth) -> None:
    await hear(world, auth.erasure("nobody"))

    assert told(world.answers.events[0], PersonErased) == {"erased": {}, "kept": {}}


async def test_a_copy_that_was_asked_before_an_erasure_and_comes_after_it_names_nobody(
    world: World, auth: AskingAuth
) -> None:
    await world.deliver("a-1")
    await hear(world, auth.erasure("a-1"))

    await hear(world, auth.export("a-1"))

    assert auth.collected(world.answers.events[1], PersonExported) == {"purchases": []}


async def test_a_copy_has_ones_claims_with_every_word_of_them(world: World, auth: AskingAuth) -> None:
    await _claimed(world, "a-1", "o-1")
    await _claimed(world, "a-2", "o-2")

    await hear(world, auth.export("a-1"))

    [event] = world.answers.events
    [row] = auth.collected(event, PersonExported)["claims"]
    assert (row["words"], row["messages"][0]["text"]) == ("It stopped.", "And again.")
    assert row["item"]["purchase_id"] == "o-1-1-1"


async def test_an_erasure_takes_ones_words_and_leaves_what_became_of_the_watch(world: World, auth: AskingAuth) -> None:
    claim = await _claimed(world, "a-1", "o-1")

    await hear(world, auth.erasure("a-1"))

    found = world.claims.claims[claim.id]
    assert (found.words, found.contact, found.holder_key, [each.text for each in found.messages]) == (
        b"",
        b"",
        "",
        [b""],
    )
    assert (found.problem, found.item, len(found.history)) == (claim.problem, claim.item, 1)
    answer = told(world.answers.events[0], PersonErased)
    assert answer["erased"] == {"owner-links": 1, "claims": 1}
    assert answer["kept"] == {"purchase-facts": 1, "claim-facts": 1}


async def test_a_claim_goes_on_after_its_claimant_was_erased_and_writes_to_nobody(
    world: World, auth: AskingAuth
) -> None:
    claim = await _claimed(world, "a-1", "o-1")
    await hear(world, auth.erasure("a-1"))

    decided = await desk.decide(world.deps, world.claims.claims[claim.id], STAFF, None, note="nobody reads this")

    assert decided.status is Status.REJECTED
    assert decided.history[-1].note == b""
    event = world.claims.events[-1]
    sealed = event.read(ClaimResolved).recipient
    to = world.sealing.unsealer("mailer").open(ClaimNotice, sealed, event=event, field="recipient")
    assert to == ClaimNotice()


async def test_all_claims_of_a_guest_become_the_accounts_however_many(world: World) -> None:
    await world.deliver("", order="o-1")
    guest = await holder_of(world.deps, None, order_id="o-1", token=world.token_of("o-1"))
    claim = await open_claim(world.deps, guest, "o-1-1-1", Wish(Problem.STOPPED, Remedy.REPAIR))
    one = replace(claim, contact=b"")
    world.claims.claims |= {f"x-{n:04}": replace(one, id=f"x-{n:04}") for n in range(1100)}

    await order_handlers(world.deps)[OrderClaimed.TYPE](claimed(world))

    assert {each.person_id for each in world.claims.claims.values()} == {"a-1"}


async def test_a_guests_claim_becomes_the_accounts_that_claims_the_order(world: World) -> None:
    await world.deliver("", order="o-1")
    guest = await holder_of(world.deps, None, order_id="o-1", token=world.token_of("o-1"))
    claim = await open_claim(world.deps, guest, "o-1-1-1", Wish(Problem.STOPPED, Remedy.REPAIR, "It stopped."))

    await order_handlers(world.deps)[OrderClaimed.TYPE](claimed(world))

    found = await find_own(world.deps, account_holder(world.deps, "a-1"), claim.id)
    person = await world.deps.people.known("a-1")
    assert view_of(found, person).words == "It stopped."
    assert world.data_keys.stored.keys() == {"a-1"}
    with pytest.raises(PurchaseNotFound):
        await holder_of(world.deps, None, order_id="o-1", token=world.token_of("o-1"))


async def _claimed(world: World, account: str, order: str) -> Claim:
    await world.deliver(account, order=order)
    holder = account_holder(world.deps, account)
    claim = await open_claim(world.deps, holder, f"{order}-1-1", Wish(Problem.STOPPED, Remedy.REPAIR, "It stopped."))
    return await say(world.deps, claim, "And again.")
