import argparse
import asyncio
import json
from datetime import datetime

import pytest

from services.mailer.commands import COMMANDS, rehearse_month, send
from services.mailer.config import Settings
from services.mailer.testing.harness import settings_for
from shared.settings import SettingsError

NOTHING = argparse.Namespace()


def rehearsal(at, issues, **changes):
    values = {"at": datetime.fromisoformat(at), "subscribers": 3, "issues": issues, "json": True}
    return argparse.Namespace(**(values | changes))


@pytest.mark.parametrize(
    ("at", "issues", "each"),
    [("2027-02-10T10:00", 2, 1), ("2027-11-10T10:00", 4, 3), ("2026-12-31T23:00:00+09:00", 3, 1)],
)
async def test_a_rehearsal_sends_what_the_month_allows(shop, capsys, at, issues, each):
    assert await rehearse_month(shop.deps(), rehearsal(at, issues)) == 0

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told["accepted"].values()) == {each}
    assert told["allowed"] == each
    assert told["accepted"] == dict(shop.sink.accepted)
    assert all(address.startswith("rehearsal-") for address in told["accepted"])


async def test_a_rehearsal_touches_nothing_of_the_shop(shop):
    subscriber = await shop.subscriber()
    await shop.campaign()

    await rehearse_month(shop.deps(), rehearsal("2027-02-10T10:00", 2, json=False))

    assert shop.sink.accepted["ann@example.org"] == 0
    assert +shop.subscribers.records[subscriber].months == {}


async def test_a_run_tells_what_it_did_and_names_nobody(shop, capsys):
    await shop.subscriber()
    await shop.campaign()

    assert await send(shop.deps(), NOTHING) == 0

    out = capsys.readouterr().out
    assert "1 campaigns" in out
    assert "1 accepted, 0 refused, 0 unknown" in out
    assert "@" not in out


async def test_a_signal_ends_a_run_in_good_order(shop, capsys):
    for number in range(30):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign()
    deps = shop.deps()
    running = asyncio.create_task(send(deps, NOTHING))
    await shop.sink.wait_for(3)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    sent = shop.sink.accepted.total()
    assert sent < 30
    assert all(record.live is None for record in shop.subscribers.records.values())
    assert sum(record.months["2026-11"] for record in shop.subscribers.records.values()) == sent
    assert f"{sent} accepted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        {"smtp_url": "http://x"},
        {"smtp_url": "smtp://user:hush@relay"},
        {"mail_from": "nobody"},
        {"mail_from": "A <a@b.example>, B <b@b.example>"},
        {"newsletter_cap": "11:3"},
        {"send_cron": "now and then"},
        {"rehearsal_database": "mailer"},
        {"claim_batch": 0},
    ],
)
def test_settings_that_cannot_work_are_refused_without_being_repeated(change):
    good = settings_for(25).model_dump(exclude_defaults=True)
    values = {name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in good.items()}
    environ = {f"PADLOCK_{name.upper()}": str(value) for name, value in (values | change).items()}

    with pytest.raises(SettingsError) as refusal:
        Settings.from_env(environ)

    assert len(refusal.value.mistakes) == 1
    assert "hush" not in str(refusal.value)


def test_a_time_that_is_none_is_refused_in_words(capsys):
    [rehearse] = [command for command in COMMANDS if command.name == "rehearse"]
    parser = argparse.ArgumentParser()
    rehearse.add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["--at", "some day"])

    assert "must be a day or a time, such as 2027-02-10T10:00" in capsys.readouterr().err
