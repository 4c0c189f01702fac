import argparse
import base64
import io
import json
import sys
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.mailer.disclosure.answer import SUITE, info_of, read_requester_key
from services.mailer.disclosure.commands import DISCLOSURE
from services.mailer.disclosure.domain import (
    AnotherPerson,
    DisclosureIsOver,
    NoSuchDisclosure,
    NotAnOfficer,
    NotSecond,
    OneAtATime,
    Step,
)
from services.mailer.disclosure.trail import TrailIsBroken
from services.mailer.disclosure.usecases import approve_disclosure, request_disclosure
from services.mailer.subscriptions.usecases import forget
from shared.errors import InvalidInput
from shared.identity import InvalidIdentity
from shared.testing.identity import an_identity

PRIVATE = X25519PrivateKey.generate()
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
FIRST, SECOND, THIRD = (an_identity(f"officer-{number}", "officer") for number in (1, 2, 3))
ANN = "ann@example.org"


@pytest.fixture
def deps(shop):
    return shop.deps()


async def ask(deps, who=FIRST, *, email=ANN, **changes) -> str:
    values = {"basis": "Section 100j of the code", "reference": "12 Js 3/26", "key": PUBLIC}
    return await request_disclosure(deps, who, email=email, **(values | changes))


def opened(sealed: bytes, case: str) -> dict:
    return json.loads(SUITE.decrypt(sealed, PRIVATE, info_of(case)))


def steps(shop) -> list[tuple[str, str]]:
    return [(document["step"], document["officer"]) for document in shop.disclosures.stored]


async def test_two_officers_disclose_one_person_to_the_requester_alone(shop, deps):
    await shop.subscriber(ANN, name="Ann")
    await shop.subscriber("ben@example.org", name="Ben")

    case = await ask(deps)
    sealed = await approve_disclosure(deps, SECOND, case, email="ANN@example.org")

    answer = opened(sealed, case)
    assert (answer["found"], answer["email"], answer["name"]) == (True, ANN, "Ann")
    assert (answer["disclosure"], answer["reference"]) == (case, "12 Js 3/26")
    assert b"ann" not in sealed.lower()
    assert steps(shop) == [("requested", "officer-1"), ("approved", "officer-2"), ("answered", "officer-2")]
    with pytest.raises(InvalidTag):
        SUITE.decrypt(sealed, PRIVATE, info_of("another"))


async def test_the_trail_names_nobody(shop, deps):
    await shop.subscriber(ANN, name="Ann")
    case = await ask(deps)
    await approve_disclosure(deps, SECOND, case, email=ANN)

    kept = json.dumps(shop.disclosures.stored, default=str)
    assert "example.org" not in kept
    assert "Ann" not in kept


@pytest.mark.parametrize(
    "who",
    [
        an_identity("s-1", "support"),
        an_identity("s-1", "marketing", "admin"),
        an_identity("s-1", "officer", fresh=False),
    ],
)
async def test_nobody_but_an_officer_who_gave_the_password_asks_or_approves(shop, deps, who):
    await shop.subscriber(ANN)
    case = await ask(deps)

    with pytest.raises(NotAnOfficer):
        await ask(deps, who)
    with pytest.raises(NotAnOfficer):
        await approve_disclosure(deps, who, case, email=ANN)
    assert steps(shop) == [("requested", "officer-1")]


async def test_whoever_asked_cannot_approve(shop, deps):
    await shop.subscriber(ANN)
    case = await ask(deps)

    with pytest.raises(NotSecond):
        await approve_disclosure(deps, FIRST, case, email=ANN)
    assert [step for step, _ in steps(shop)] == [Step.REQUESTED]


async def test_one_second_officer_is_enough_and_the_answer_may_be_fetched_again_by_them(shop, deps):
    await shop.subscriber(ANN)
    case = await ask(deps)

    both = [await approve_disclosure(deps, SECOND, case, email=ANN) for _ in range(2)]
    with pytest.raises(NotSecond):
        await approve_disclosure(deps, THIRD, case, email=ANN)

    assert [opened(each, case)["email"] for each in both] == [ANN, ANN]
    assert [step for step, _ in steps(shop)] == [Step.REQUESTED, Step.APPROVED, Step.ANSWERED, Step.ANSWERED]


async def test_both_officers_must_mean_the_same_person(shop, deps):
    await shop.subscriber(ANN)
    await shop.subscriber("ben@example.org")
    case = await ask(deps)

    with pytest.raises(AnotherPerson):
        await approve_disclosure(deps, SECOND, case, email="ben@example.org")
    assert [step for step, _ in steps(shop)] == [Step.REQUESTED]


async def test_an_officer_asks_about_one_person_at_a_time(shop, deps):
    case = await ask(deps)

    with pytest.raises(OneAtATime):
        await ask(deps, email="ben@example.org")
    other = await ask(deps, SECOND, email="ben@example.org")
    await approve_disclosure(deps, SECOND, case, email=ANN)
    again = await ask(deps, email="cem@example.org")

    assert len({case, other, again}) == 3


@pytest.mark.parametrize(
    "email", ["", "ann@example.org, ben@example.org", "ann@example.org\nben@example.org", "@", "*"]
)
async def test_a_request_is_about_one_address(shop, deps, email):
    with pytest.raises(InvalidInput):
        await ask(deps, email=email)
    assert shop.disclosures.stored == []


@pytest.mark.parametrize(
    "changes",
    [
        {"basis": ""}, {"basis": "x\ny z"}, {"reference": "about ann@example.org"}, {"reference": "x" * 201},
        {"key": "x"}, {"key": base64.b64encode(b"x" * 31).decode()}, {"key": "-----BEGIN PUBLIC KEY-----\nx"},
        {"key": base64.b64encode(bytes(32)).decode()}, {"key": base64.b64encode(b"\x01" + bytes(31)).decode()},
    ],
)  # fmt: skip
async def test_a_request_needs_grounds_that_name_nobody_and_a_key(shop, deps, changes):
    with pytest.raises(InvalidInput):
        await ask(deps, **changes)
    assert shop.disclosures.stored == []


def test_a_requesters_key_may_be_pem():
    assert read_requester_key(PEM) == PUBLIC


async def test_a_request_waits_seven_days(shop, deps):
    await shop.subscriber(ANN)
    case = await ask(deps)
    shop.later(days=7)

    with pytest.raises(DisclosureIsOver):
        await approve_disclosure(deps, SECOND, case, email=ANN)
    assert await ask(deps) != case


async def test_what_was_not_asked_for_is_not_approved(deps):
    with pytest.raises(NoSuchDisclosure):
        await approve_disclosure(deps, SECOND, "d-1", email=ANN)


async def test_of_an_erased_person_nothing_is_left_to_disclose(shop, deps):
    subscriber = await shop.subscriber(ANN)
    await forget(deps, subscriber)
    case = await ask(deps)

    answer = opened(await approve_disclosure(deps, SECOND, case, email=ANN), case)

    assert answer["found"] is False
    assert "email" not in answer


async def test_no_answer_is_made_before_it_is_in_the_chain(shop, deps):
    await shop.subscriber(ANN)
    case = await ask(deps)
    plain = shop.disclosures.append
    calls = []

    async def away_at_the_end(decide):
        calls.append(1)
        if len(calls) == 2:
            raise OSError("database away")
        return await plain(decide)

    shop.disclosures.append = away_at_the_end
    with pytest.raises(OSError, match="away"):
        await approve_disclosure(deps, SECOND, case, email=ANN)


DAMAGES = {
    "officer": lambda stored: stored[0].update(officer="officer-9"),
    "reference": lambda stored: stored[0]["details"].update(reference="another"),
    "time": lambda stored: stored[1].update(at=stored[1]["at"] + timedelta(seconds=1)),
    "gone": lambda stored: stored.pop(0),
    "middle": lambda stored: stored.pop(1),
    "swapped": lambda stored: stored.reverse(),
    "forged": lambda stored: stored.append(stored[-1] | {"_id": 4}),
    "type": lambda stored: stored[1].update(details=7),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_whatever_is_done_to_the_trail_shows_and_stops_everything(shop, deps, damage):
    await shop.subscriber(ANN)
    case = await ask(deps)
    await approve_disclosure(deps, SECOND, case, email=ANN)
    assert (await shop.disclosures.verify()).faults == []

    DAMAGES[damage](shop.disclosures.stored)

    assert (await shop.disclosures.verify()).faults != []
    with pytest.raises(TrailIsBroken):
        await ask(deps, THIRD)


async def run(deps, *words: str, stdin: str = "") -> int:
    parser = argparse.ArgumentParser()
    DISCLOSURE.add_arguments(parser)
    sys.stdin = io.StringIO(stdin)
    try:
        return await DISCLOSURE.run(deps, parser.parse_args(words))
    finally:
        sys.stdin = sys.__stdin__


async def test_the_commands_take_auths_word_for_who_it_is(shop, deps, tmp_path, capsys):
    await shop.subscriber(ANN, name="Ann")
    for name, text in (
        ("key", PEM),
        ("one", shop.auth.token(FIRST)),
        ("two", shop.auth.token(SECOND)),
        ("forged", shop.auth.token(SECOND)[:-6] + "AAAAAA"),
    ):
        (tmp_path / name).write_text(text)
    paths = {name: str(tmp_path / name) for name in ("key", "one", "two", "forged")}

    await run(deps, "request", "--basis", "Section 100j of the code", "--reference", "12 Js 3/26", "--requester-key",
              paths["key"], "--identity", paths["one"], stdin=f"{ANN}\n")  # fmt: skip
    case = capsys.readouterr().out.strip()
    with pytest.raises(InvalidIdentity, match="older than a minute"):
        await run(deps, "approve", case, "--identity", paths["forged"], stdin=ANN)
    await run(deps, "approve", case, "--identity", paths["two"], stdin=ANN)
    answer = json.loads(capsys.readouterr().out)
    await run(deps, "list")
    listed = capsys.readouterr().out

    assert opened(base64.b64decode(answer["sealed"]), case)["name"] == "Ann"
    assert [json.loads(line)["step"] for line in listed.splitlines()] == ["requested", "approved", "answered"]
    assert "example.org" not in listed


async def test_where_there_are_no_files_identity_and_address_come_on_stdin_and_the_key_as_it_is(shop, deps, capsys):
    await shop.subscriber(ANN, name="Ann")
    grounds = ("--basis", "Section 100j of the code", "--reference", "12 Js 3/26")

    await run(deps, "request", *grounds, "--requester-key", PUBLIC, "--identity", "-",
              stdin=f"{shop.auth.token(FIRST)}\n{ANN}\n")  # fmt: skip
    case = capsys.readouterr().out.strip()
    await run(deps, "approve", case, "--identity", "-", stdin=f"{shop.auth.token(SECOND)}\n{ANN}\n")

    answer = json.loads(capsys.readouterr().out)
    assert opened(base64.b64decode(answer["sealed"]), case)["email"] == ANN
    with pytest.raises(InvalidInput):
        await run(deps, "request", *grounds, "--requester-key", "no-such-file", "--identity", "-",
                  stdin=f"{shop.auth.token(THIRD)}\n{ANN}\n")  # fmt: skip


@pytest.mark.parametrize("damaged", ["address", "key"])
async def test_a_file_that_is_no_text_is_refused_by_name(shop, deps, tmp_path, damaged):
    paths = {name: tmp_path / name for name in ("address", "key", "identity")}
    for name, text in (("address", ANN), ("key", PEM), ("identity", shop.auth.token(FIRST))):
        paths[name].write_text(text)
    paths[damaged].write_bytes(b"\xff" + ANN.encode())

    with pytest.raises(InvalidInput) as refused:
        await run(deps, "request", "--basis", "Section 100j of the code", "--reference", "12 Js 3/26",
                  "--requester-key", str(paths["key"]), "--identity", str(paths["identity"]),
                  "--address", str(paths["address"]))  # fmt: skip

    assert [each.pointer for each in refused.value.fields] == [{"address": "/email", "key": "/requester_key"}[damaged]]


async def test_verify_finds_a_trail_that_was_cut_off_by_the_hash_from_the_log(shop, deps, capsys):
    await ask(deps)
    [stored] = shop.disclosures.stored
    head = stored["hash"].hex()

    whole = await run(deps, "verify", "--head", head)
    shop.disclosures.stored.clear()
    cut = await run(deps, "verify", "--head", head)

    assert (whole, cut) == (0, 1)
    assert f"there is no entry with the hash {head}" in capsys.readouterr().out
