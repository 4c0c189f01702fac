"""Subscribers from a file: row by row, nothing revived, no address told."""

import argparse
import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from services.mailer.addresses import key_of
from services.mailer.subscriptions.domain import SubscriptionState
from services.mailer.subscriptions.importcommand import import_subscribers

HEADER = "email,name,language,topics,consented_at,source,wording"
PROOF = "2025-05-01T10:00:00Z,old shop,2024-03"


async def run(shop, tmp_path, capsys, *rows, header=HEADER, dry_run=False):
    """Exit status, and outcome and reason of each row."""
    file = tmp_path / "list.csv"
    file.write_bytes("\n".join([header, *rows]).encode("utf-8", "surrogateescape"))
    arguments = argparse.Namespace(file=file, source="import", report=tmp_path / "report.csv", dry_run=dry_run)
    capsys.readouterr()
    status = await import_subscribers(shop.deps(), arguments)
    told = list(csv.reader(io.StringIO((tmp_path / "report.csv").read_text())))[1:]
    assert [int(row[0]) for row in told] == list(range(2, len(told) + 2))
    return status, [(row[1], row[2]) for row in told]


def found(shop, email):
    records = shop.subscribers.records.values()
    return next(each.subscription for each in records if each.subscription.address_key == key_of(shop.index, email))


async def test_a_row_with_proof_is_taken_over_with_its_consent(shop, tmp_path, capsys):
    status, told = await run(shop, tmp_path, capsys, f"ann@example.org,Ann,de,offers;competitions,{PROOF}")

    assert (status, told) == (0, [("confirmed", "")])
    ann = found(shop, "ann@example.org")
    assert (ann.state, ann.language, ann.topics) == (SubscriptionState.CONFIRMED, "de", ("offers", "competitions"))
    consent = ann.consent
    assert (consent.source, consent.wording) == ("import: old shop", "2024-03")
    assert consent.requested_at == consent.confirmed_at == datetime(2025, 5, 1, 10, tzinfo=UTC)
    assert [event.type for event in shop.subscribers.events] == ["mailer.subscription.changed.v1"]
    assert await shop.mails() == []


async def test_a_row_without_proof_is_asked_by_mail(shop, tmp_path, capsys):
    status, told = await run(shop, tmp_path, capsys, "ann@example.org,Ann,en,offers,,,")

    assert (status, told) == (0, [("asked", "")])
    assert found(shop, "ann@example.org").state is SubscriptionState.PENDING
    assert [recipient for recipient, _ in await shop.mails()] == ["ann@example.org"]


@pytest.mark.parametrize("proof", [PROOF, ",,"])
@pytest.mark.parametrize("spelling", ["ann@example.org", "ANN+shop@EXAMPLE.org"])
async def test_who_has_left_is_never_revived(shop, client, tmp_path, capsys, proof, spelling):
    subscriber = await shop.subscriber("ann@example.org")
    await client.post(f"/newsletter/unsubscribe?t={shop.links.subscriber_token(subscriber)}")
    before = found(shop, "ann@example.org")

    status, told = await run(shop, tmp_path, capsys, f"{spelling},Ann,en,offers,{proof}")

    assert (status, told) == (0, [("suppressed", "")])
    assert found(shop, "ann@example.org") == before
    assert await shop.mails() == []


@pytest.mark.parametrize(("proof", "outcome"), [(PROOF, "suppressed"), (",,", "suppressed")])
async def test_who_was_erased_is_never_revived(shop, tmp_path, capsys, proof, outcome):
    await shop.forgotten.remember(key_of(shop.index, "ann@example.org"), shop.clock())

    _, told = await run(shop, tmp_path, capsys, f"ann@example.org,Ann,en,offers,{proof}")

    assert told == [(outcome, "")]
    assert shop.subscribers.records == {}


async def test_a_consent_given_after_an_erasure_counts(shop, tmp_path, capsys):
    await shop.forgotten.remember(key_of(shop.index, "ann@example.org"), datetime(2025, 4, 1, tzinfo=UTC))

    _, told = await run(shop, tmp_path, capsys, f"ann@example.org,Ann,en,offers,{PROOF}")

    assert told == [("confirmed", "")]


async def test_spelling_variants_are_one_address(shop, tmp_path, capsys):
    rows = [f"{email},Ann,en,offers,{PROOF}" for email in ("a.nn@gmail.com", "ann+x@googlemail.com", "ANN@gmail.com")]

    status, told = await run(shop, tmp_path, capsys, *rows)

    assert (status, [outcome for outcome, _ in told]) == (0, ["confirmed", "repeated", "repeated"])
    assert len(shop.subscribers.records) == 1


async def test_known_subscribers_stay_as_they_are(shop, tmp_path, capsys):
    await shop.subscriber("ann@example.org")
    before = found(shop, "ann@example.org")

    _, told = await run(shop, tmp_path, capsys, f"ann@example.org,Other,de,competitions,{PROOF}")

    assert told == [("already", "")]
    assert found(shop, "ann@example.org") == before


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("ann,Ann,en,offers,,,", "/email:invalid-email"),
        ('ann@example.org,"Ann\nBcc: x@example.org",en,offers,,,', "/name:invalid-name"),
        ("ann@example.org,Ann,fr,offers,,,", "/language:"),
        ("ann@example.org,Ann,en,politics,,,", "/topics/0:"),
        ("ann@example.org,,en,offers,,,", "/name:missing"),
        ("ann@example.org,Ann,en,offers,2025-05-01T10:00:00Z,,", "/consented_at:half-a-proof"),
        ("ann@example.org,Ann,en,offers,,old shop,", "/consented_at:half-a-proof"),
        ("ann@example.org,Ann,en,offers,2099-05-01T10:00:00Z,old,2024", "/consented_at:in-the-future"),
        ("ann@example.org,Ann,en,offers,yesterday,old,2024", "/consented_at:"),
        ("ann@example.org,Ann,en", "number-of-cells"),
        ("ann@example.org," + "A" * 3000 + ",en,offers,,,", "cell-too-long"),
        ("ann@example.org," + "A" * 200_000 + ",en,offers,,,", "unreadable"),
        ("ann@example.org,\udcff,en,offers,,,", "/name:"),
    ],
)
async def test_a_bad_row_is_refused_alone_and_its_text_is_not_told(shop, tmp_path, capsys, row, why):
    status, told = await run(shop, tmp_path, capsys, row, f"ben@example.org,Ben,en,offers,{PROOF}")

    assert status == 1
    assert (told[0][0], told[-1]) == ("refused", ("confirmed", ""))
    assert told[0][1].startswith(why)
    assert len(shop.subscribers.records) == 1
    out = capsys.readouterr().out
    assert "@" not in out + str(told)


async def test_a_row_of_any_length_is_unreadable_whatever_else_reads_csv_in_the_process(shop, tmp_path, capsys):
    before = csv.field_size_limit(10_000_000)
    try:
        _, told = await run(shop, tmp_path, capsys, "ann@example.org," + "A" * 200_000 + ",en,offers,,,")
    finally:
        csv.field_size_limit(before)

    assert told == [("refused", "unreadable")]


async def test_a_file_that_comes_again_changes_nothing_and_sends_nothing_twice(shop, tmp_path, capsys):
    rows = (f"ann@example.org,Ann,en,offers,{PROOF}", "ben@example.org,Ben,en,offers,,,")
    await run(shop, tmp_path, capsys, *rows)

    _, told = await run(shop, tmp_path, capsys, *rows)

    assert [outcome for outcome, _ in told] == ["already", "asked"]
    assert [recipient for recipient, _ in await shop.mails()] == ["ben@example.org"]


async def test_a_dry_run_tells_and_changes_nothing(shop, tmp_path, capsys):
    rows = (f"ann@example.org,Ann,en,offers,{PROOF}", "ben@example.org,Ben,en,offers,,,")

    status, told = await run(shop, tmp_path, capsys, *rows, dry_run=True)

    assert (status, [outcome for outcome, _ in told]) == (0, ["confirmed", "asked"])
    assert shop.subscribers.records == {}


async def test_what_the_other_system_sent_this_month_is_not_added_to(shop, tmp_path, capsys):
    await run(shop, tmp_path, capsys, f"ann@example.org,Ann,en,offers,{PROOF}")
    await shop.campaign("this-month")
    await shop.send()
    this_month = shop.sink.accepted.total()
    zone = shop.settings.calendar.zone
    shop.clock.at = datetime(2026, 12, 1, tzinfo=zone).astimezone(UTC) + timedelta(hours=27)
    await shop.campaign("next-month")
    await shop.send()

    assert (this_month, shop.sink.accepted.total()) == (0, 1)


@pytest.mark.parametrize(
    ("header", "told"),
    [("email,name", "language, topics"), (HEADER + ",phone", "1 columns are unknown"), ("", "columns are missing")],
)
async def test_a_file_with_other_columns_is_refused_whole(shop, tmp_path, capsys, header, told):
    file = tmp_path / "list.csv"
    file.write_text(header + "\n")

    status = await import_subscribers(
        shop.deps(), argparse.Namespace(file=file, source="import", report=None, dry_run=False)
    )

    assert status == 2
    assert told in capsys.readouterr().err


async def test_a_file_that_is_not_there_is_no_traceback(shop, tmp_path, capsys):
    arguments = argparse.Namespace(file=tmp_path / "none.csv", source="import", report=None, dry_run=False)

    assert await import_subscribers(shop.deps(), arguments) == 2
    assert "No such file" in capsys.readouterr().err
