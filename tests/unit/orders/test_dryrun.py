"""Rules are tried on past orders before they go live; the commands of screening name nobody."""

import argparse
import io
from dataclasses import replace
from pathlib import Path

import pytest

from services.orders.deps import Deps
from services.orders.life.domain import OrderNotFound
from services.orders.screening.commands import add_arguments, screening
from services.orders.screening.domain import Decision, Finding
from services.orders.screening.dryrun import dry_run
from services.orders.screening.issuers import load_issuers
from services.orders.screening.marks import mark_of_network
from services.orders.screening.review import review
from services.orders.screening.rules import Rules, load_rules
from shared.keys import Key
from shared.testing.keys import MemoryKeys
from tests.unit.orders.world import DECLINED, World, a_body

NIGERIAN = "4000566000000002"
FOREIGN = """
version = "2027-01"

[[rule]]
name = "any-foreign-card"
then = "block"
reason = "From another country than the parcel goes to"
when = [{ signal = "card_country", is = "other" }]
"""


@pytest.fixture
def deps(world: World) -> Deps:
    """As the screening commands have them: with the key of cards, and those of the persons."""
    keys = MemoryKeys([])
    for purpose, source in (("fields", world.keys), ("index", world.keys), ("card", world.card_keys)):
        key: Key = source.get(purpose, 1)
        keys.put(key)
    return replace(world.deps, keys=keys)


async def past(world: World) -> None:
    """Nine ordinary orders and one with a foreign card, by rules that let all of them pass; three declines."""
    for _ in range(9):
        await world.buy(a_body())
        world.clock.advance(seconds=7_200)
    await world.buy(a_body(card=NIGERIAN))
    for _ in range(3):
        await world.buy(a_body(card=DECLINED))


def rules(tmp_path: Path, text: str = FOREIGN) -> Path:
    file = tmp_path / "new.toml"
    file.write_text(text)
    return file


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


async def test_a_dry_run_says_what_would_be_decided_otherwise(world: World, deps: Deps, tmp_path: Path) -> None:
    await past(world)

    report = await dry_run(deps, load_rules(rules(tmp_path)), load_issuers(), days=90)

    assert (report.orders, report.unreadable, report.paid_but_blocked) == (13, 0, 1)
    assert dict(report.decisions) == {Decision.ALLOW: 12, Decision.BLOCK: 1}
    assert dict(report.before) == {Decision.ALLOW: 13}
    assert dict(report.rules) == {"any-foreign-card": 1}
    [changed] = report.changes[Decision.ALLOW, Decision.BLOCK]
    assert changed in {order.number for order in await world.all_orders()}


async def test_it_decides_as_the_live_screening_did(world: World, deps: Deps) -> None:
    live = load_rules()
    world.screen_by(live)
    body = a_body(quantity=3, card=NIGERIAN)
    order = (await world.buy(body, network="203.0.113.0/24")).order
    await review(world.deps, order, Finding.APPROVE, by="staff:s-1")
    for _ in range(7):
        await world.buy(a_body(card=DECLINED), network="203.0.113.0/24")
    for quantity in (1, 1, 1, 9):
        await world.buy(a_body(quantity=quantity), account="a-1", network="198.51.100.0/24")
        world.clock.advance(seconds=3_600)
    was = [o.screening.decision for o in await world.all_orders() if o.screening]

    report = await dry_run(replace(deps, orders=world.stores.orders), live, load_issuers(), days=90)

    assert {Decision.ALLOW, Decision.REVIEW, Decision.BLOCK} == set(was)
    assert dict(report.decisions) == {decision: was.count(decision) for decision in Decision}
    assert report.changes == {}


async def test_only_so_many_days_are_looked_at(world: World, deps: Deps) -> None:
    await world.buy()
    world.clock.advance(seconds=10 * 86_400)
    await world.buy()

    report = await dry_run(deps, Rules(version="1"), load_issuers(), days=5)

    assert report.orders == 1


async def test_orders_of_the_erased_are_counted_and_their_cards_stay_closed(
    world: World, deps: Deps, tmp_path: Path
) -> None:
    order = (await world.buy(a_body(card=NIGERIAN))).order
    await world.stores.data_keys.remove(order.personal.person_id)

    report = await dry_run(deps, load_rules(rules(tmp_path)), load_issuers(), days=90)

    assert (report.orders, report.unreadable) == (1, 1)


async def test_the_command_prints_counts_and_neither_person_nor_digit(
    world: World, deps: Deps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await past(world)

    status = await screening(deps, parsed("dry-run", str(rules(tmp_path)), "--numbers"))

    out = capsys.readouterr().out
    assert status == 0
    lines = out.splitlines()
    assert "13 checkouts of 90 days, held against rules 2027-01" in lines
    assert [line.split() for line in lines if line.startswith("block")] == [["block", "1", "0"]]
    assert "rule any-foreign-card: 1" in lines
    assert "allow -> block: 1" in lines
    for clear in ("Ann", "ann@", "Jingumae", "400056", "424242", "0002", "12/34"):
        assert clear not in out


async def test_without_the_key_of_cards_it_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert await screening(world.deps, parsed("dry-run")) == 1
    assert "card" in capsys.readouterr().err


async def test_rules_with_mistakes_are_refused_with_all_of_them(
    deps: Deps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = rules(tmp_path, 'version = "1"\nx = 1\n[[rule]]\nname = "abc"\nthen = "explode"\n')

    assert await screening(deps, parsed("dry-run", str(bad))) == 1

    found = capsys.readouterr().err.splitlines()
    assert len(found) == 4
    assert any(line.startswith("rule 1 (abc): then") for line in found)


async def test_the_block_list_is_kept_by_command(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = (await world.buy()).order
    given = {"email": "ANN@example.org\n", "network": "203.0.113.0/24\n"}
    assert await screening(world.deps, parsed("block", "card", "--order", order.id)) == 0
    for kind, text in given.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert await screening(world.deps, parsed("block", kind, "--stdin")) == 0
    ids = capsys.readouterr().out.split()

    assert await screening(world.deps, parsed("list")) == 0
    listed = capsys.readouterr().out
    assert sorted(ids) == [line.split("\t")[0] for line in listed.splitlines()]
    assert f"card-{order.marks.card}" in ids
    assert f"email-{order.marks.email}" in ids
    assert "ann" not in listed.lower()
    assert await screening(world.deps, parsed("unblock", ids[0])) == 0
    assert await screening(world.deps, parsed("unblock", ids[0])) == 1


@pytest.mark.parametrize("text", ["203.0.113.77", " 203.0.113.77/24 ", "203.0.113.0/24"])
async def test_a_network_is_blocked_however_it_is_written(
    world: World, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))

    assert await screening(world.deps, parsed("block", "network", "--stdin")) == 0

    mark = mark_of_network(world.deps.index, "203.0.113.0/24")
    assert capsys.readouterr().out == f"network-{mark}\n"


@pytest.mark.parametrize("text", ["bogus", "203.0.113", "203.0.113.0/16", "2001:db8::/64", "203.0.113.0/", "/24"])
async def test_what_no_buyer_can_come_from_is_not_blocked(
    world: World, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))

    assert await screening(world.deps, parsed("block", "network", "--stdin")) == 1

    assert capsys.readouterr().err == "must be an address or a network of /24 (IPv4) or /56 (IPv6)\n"
    assert await world.stores.blocks.entries(behind="", limit=9) == []


async def test_an_order_is_named_as_the_desk_and_the_dry_run_name_it(world: World) -> None:
    order = (await world.buy()).order

    assert await screening(world.deps, parsed("block", "card", "--order", order.number)) == 0

    [block] = await world.stores.blocks.entries(behind="", limit=9)
    assert (block.mark, block.note) == (order.marks.card, f"order {order.number}")
    with pytest.raises(OrderNotFound):
        await screening(world.deps, parsed("block", "card", "--order", "NONE-OFTH-EM00"))


async def test_a_file_that_is_not_there_is_told_in_words(
    deps: Deps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.toml"

    assert await screening(deps, parsed("dry-run", str(missing))) == 1

    assert capsys.readouterr().err == f"{missing}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize("kind", ["card", "address"])
async def test_what_cannot_be_typed_is_not_blocked(world: World, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("4242424242424242\n"))

    assert await screening(world.deps, parsed("block", kind, "--stdin")) == 1

    assert await world.stores.blocks.entries(behind="", limit=9) == []
