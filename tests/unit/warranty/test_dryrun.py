"""Rules are tried on past claims before they go live: counts against what happened, and nothing changes."""

import argparse
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.warranty.claims import desk
from services.warranty.claims.commands import add_arguments, claims
from services.warranty.claims.decisions import load_claim_rules
from services.warranty.claims.domain import Claim, Problem, Remedy
from services.warranty.claims.dryrun import NO_RULE, Outcome, dry_run
from services.warranty.claims.usecases import Wish, open_claim, withdraw
from services.warranty.holders import account_holder
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.world import STAFF, World

EVERY_REPAIR = """
version = "2027-01"

[[approve]]
name = "every-repair"
wanted = ["repair"]
within_days = 700
at_most = {JPY = 90000}
most_claims = 2
"""


async def claimed(world: World, account: str, order: str, wanted: Remedy = Remedy.REPAIR, serial: str = "") -> Claim:
    await world.deliver(account, order=order)
    await world.purchases.number(f"{order}-1-1", f"TF-{order[2:]}", at=NOON)
    wish = Wish(Problem.STOPPED, wanted, words="It stopped.", serial=serial)
    return await open_claim(world.deps, account_holder(world.deps, account), f"{order}-1-1", wish)


async def past(world: World) -> list[Claim]:
    """Six claims: repaired, refunded instead, rejected, withdrawn, undecided; and one that names another's serial."""
    await world.purchases.number("o-9-1-1", "TF-9", at=NOON)
    made = [await claimed(world, f"a-{n}", f"o-{n}") for n in range(1, 6)]
    await world.deliver("a-9", order="o-9")
    made.append(await claimed(world, "a-6", "o-6", serial="TF-9"))
    for claim, remedy in zip(made[:3], (Remedy.REPAIR, Remedy.REFUND, None), strict=True):
        await desk.decide(world.deps, claim, STAFF, remedy)
    await withdraw(world.deps, made[3])
    return made


def rules(tmp_path: Path, text: str = EVERY_REPAIR) -> Path:
    file = tmp_path / "new.toml"
    file.write_text(text)
    return file


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


async def test_a_dry_run_holds_rules_against_what_happened(world: World, tmp_path: Path) -> None:
    made = await past(world)

    report = await dry_run(world.deps, load_claim_rules(rules(tmp_path)), days=30)

    assert report.claims == 6
    assert report.approved == {
        Outcome.AS_WANTED: 1, Outcome.OTHERWISE: 1, Outcome.REJECTED: 1, Outcome.WITHDRAWN: 1, Outcome.UNDECIDED: 1,
    }  # fmt: skip
    assert report.escalated == {Outcome.UNDECIDED: 1}
    assert report.by_rule == {"every-repair": report.approved}
    assert report.by_reason == {"serial-of-another": {Outcome.UNDECIDED: 1}}
    assert report.against == [made[2].number]


async def test_it_writes_nothing_and_announces_nothing(world: World, tmp_path: Path) -> None:
    await past(world)
    before = (dict(world.claims.claims), list(world.claims.events))

    await dry_run(world.deps, load_claim_rules(rules(tmp_path)), days=30)

    assert (world.claims.claims, world.claims.events) == before


async def test_it_decides_as_the_live_rules_did(world: World) -> None:
    live = load_claim_rules()
    world.deps = replace(world.deps, claim_rules=live)
    made = [
        await claimed(world, "a-1", "o-1"),
        await claimed(world, "a-1", "o-2"),
        await claimed(world, "a-1", "o-3"),
        await claimed(world, "a-2", "o-4", Remedy.REPLACEMENT),
        await claimed(world, "a-2", "o-5", Remedy.REPLACEMENT),
        await claimed(world, "a-3", "o-6", Remedy.REFUND),
    ]
    await world.purchases.number("o-7-1-1", "TF-7", at=NOON)
    made.append(await claimed(world, "a-4", "o-7", serial="TF-8"))

    report = await dry_run(world.deps, live, days=30)

    decided = [claim.decision.rule if claim.decision else "" for claim in made]
    assert decided == ["repair-of-a-young-watch"] * 2 + ["", "dead-on-arrival", "", "", ""]
    assert report.approved == {Outcome.BY_RULES: 3}
    assert {name: counts.total() for name, counts in report.by_rule.items()} == {
        "repair-of-a-young-watch": 2, "dead-on-arrival": 1,
    }  # fmt: skip
    assert {why: counts.total() for why, counts in report.by_reason.items()} == {
        "repeated-claims": 1, NO_RULE: 2, "serial-differs": 1,
    }  # fmt: skip


async def test_what_came_later_is_no_reason_of_then(world: World, tmp_path: Path) -> None:
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    claim = await desk.decide(world.deps, await claimed(world, "a-1", "o-1"), STAFF, Remedy.REPAIR)
    swapped = await desk.receive(world.deps, claim, STAFF, "TF-5")

    report = await dry_run(world.deps, load_claim_rules(rules(tmp_path)), days=30)

    assert swapped.flags == ("swapped-serial",)
    assert report.approved == {Outcome.AS_WANTED: 1}


async def test_claims_before_the_span_are_counted_and_not_judged(world: World, tmp_path: Path) -> None:
    for n in range(3):
        await withdraw(world.deps, await claimed(world, "a-1", f"o-{n}"))
    world.clock.at = NOON + timedelta(days=20)
    await claimed(world, "a-1", "o-3")

    report = await dry_run(world.deps, load_claim_rules(rules(tmp_path)), days=10)

    assert (report.claims, dict(report.by_reason)) == (1, {"repeated-claims": {Outcome.UNDECIDED: 1}})


async def test_the_command_prints_counts_and_no_person(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await past(world)

    status = await claims(world.deps, parsed("try", str(rules(tmp_path)), "--numbers"))

    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert status == 0
    assert "6 claims of 365 days, held against rules 2027-01" in out
    assert ["rejected", "1", "0"] in lines
    assert ["undecided", "1", "1"] in lines
    assert ["in", "all", "5", "1"] in lines
    assert "escalated, serial-of-another: 1 (1 undecided)" in out
    assert f"rejected, and would have been approved: 1\n    {made[2].number}\n" in out
    for clear in ("Ann", "example.org", "stopped", "a-1", "TF-9"):
        assert clear not in out


async def test_without_a_file_the_rules_in_force_are_tried(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert await claims(world.deps, parsed("try")) == 0
    assert f"held against rules {load_claim_rules().version}" in capsys.readouterr().out


async def test_rules_with_mistakes_are_refused_with_all_of_them(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = rules(tmp_path, 'version = "1"\nx = 1\n[[approve]]\nname = "abc"\nwanted = ["money"]\n')

    assert await claims(world.deps, parsed("try", str(bad))) == 1
    err = capsys.readouterr().err
    assert "x: " in err
    assert "approve 1 wanted" in err
