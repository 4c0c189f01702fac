"""One's own data: copies and erasure, through HTTP and through the queue of what the other services answer."""

import asyncio
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from services.auth.mydata.answers import PERSONS
from services.auth.mydata.erasure import carry_on, sweep
from services.auth.work import build_work
from shared.contracts import mailer, orders, warranty
from shared.contracts.auth import AccountErased, ExportRequested
from shared.contracts.persons import Collected, Erased, Kept, Person
from shared.errors import TransientError
from shared.events import Contract, Event
from shared.ids import new_id
from shared.testing.texts import without_ids
from shared.topology import ASKED
from tests.unit.auth.doubles import PASSWORD, Browser, World

ANN = "ann@shop.example"
CONTRACTS = {"orders": orders, "mailer": mailer, "warranty": warranty}
NASTY = '<script>alert("1")</script>'


async def register(browser: Browser, world: World, email: str = ANN, name: str = "Ann Example") -> None:
    wish = {"email": email, "name": name, "password": PASSWORD}
    assert (await browser.send("POST", "/api/auth/accounts", json=wish)).status == 202
    token = [recipient for template, recipient in world.mails if template == "verify"][-1].link.partition("t=")[2]
    assert (await browser.send("POST", "/api/auth/accounts/verify", json={"token": token})).status == 200


@pytest.fixture
async def ann(browser: Browser, world: World) -> Browser:
    await register(browser, world)
    assert (await browser.log_in(ANN)).status == 200
    return browser


def account_id(world: World) -> str:
    return next(iter(world.accounts.stored))


def asked(world: World, contract: type[Contract]) -> Event:
    """The last event of this kind that auth has announced."""
    return [e for store in (world.accounts, world.exports) for e in store.events if e.type == contract.TYPE][-1]


async def hear(world: World, event: Event) -> None:
    """The event arrives."""
    await build_work(world.deps).handlers[PERSONS][event.type](event)


def exported(world: World, service: str, sections: dict[str, Any], *, part: int = 1, parts: int = 1) -> Event:
    """A service's answer to the last export."""
    question = asked(world, ExportRequested).read(ExportRequested)
    contract, event_id = CONTRACTS[service].PersonExported, new_id()
    data = world.sealing.sealer.seal_for(
        {"auth": Collected(sections=sections)}, event_type=contract.TYPE, event_id=event_id, field="data"
    )
    told = contract(
        export_id=question.export_id, account_id=question.account_id, part=part, parts=parts,
        collected_at=world.clock(), data=data,
    )  # fmt: skip
    return Event.of(told, id=event_id, subject=question.account_id, at=world.clock())


def erased(world: World, service: str) -> Event:
    """A service's answer to the last erasure."""
    question = asked(world, AccountErased).read(AccountErased)
    told = CONTRACTS[service].PersonErased(
        erasure_id=question.erasure_id, account_id=question.account_id, erased_at=world.clock(),
        erased=(Erased(what="profile", count=1),), kept=(Kept(what="purchase-facts", why="bookkeeping", count=2),),
    )  # fmt: skip
    return Event.of(told, id=new_id(), subject=question.account_id, at=world.clock())


async def ask_export(ann: Browser) -> str:
    answer = await ann.send("POST", "/api/auth/me/export")
    assert answer.status == 202
    return str((await answer.json())["id"])


async def answer_all(world: World) -> None:
    for service in ASKED:
        await hear(world, exported(world, service, {"things": [{"of": service}]}))


def templates(world: World) -> list[str]:
    return [template for template, _ in world.mails]


async def test_the_others_are_asked_by_an_event_that_only_they_can_read(ann: Browser, world: World) -> None:
    await ask_export(ann)

    event = asked(world, ExportRequested)
    question = event.read(ExportRequested)
    for service in ASKED:
        person = world.sealing.unsealer(service).open(Person, question.person, event=event, field="person")
        assert person.email == ANN
    assert ANN not in json.dumps(event.data)


async def test_a_copy_is_ready_when_all_four_have_answered_and_a_mail_tells(ann: Browser, world: World) -> None:
    export_id = await ask_export(ann)
    for service in ("warranty", "orders"):
        await hear(world, exported(world, service, {}))
    halfway = await (await ann.send("GET", f"/api/auth/me/exports/{export_id}")).json()

    await hear(world, exported(world, "mailer", {}))

    ready = await (await ann.send("GET", f"/api/auth/me/exports/{export_id}")).json()
    assert (halfway["status"], halfway["download"]) == ("collecting", None)
    assert halfway["services"] == {
        "auth": "complete", "orders": "complete", "mailer": "collecting", "warranty": "complete",
    }  # fmt: skip
    assert (ready["status"], ready["download"]) == ("ready", f"/api/auth/me/exports/{export_id}/archive")
    assert templates(world).count("data-ready") == 1
    assert [letter.link for name, letter in world.mails if name == "data-ready"] == [
        "https://shop.example/account/data"
    ]
    assert [w for w in world.trail.whats(account_id(world)) if w.startswith("export")] == [
        "export-asked",
        "export-ready",
    ]


async def test_the_archive_has_everything_for_machines_and_a_page_to_read(ann: Browser, world: World) -> None:
    export_id = await ask_export(ann)
    await hear(world, exported(world, "orders", {"orders": [{"number": 1, "holder": NASTY}]}, part=2, parts=2))
    await hear(world, exported(world, "orders", {"orders": [{"number": 2}], "profile": []}, part=1, parts=2))
    for service in ("mailer", "warranty"):
        await hear(world, exported(world, service, {"things": [{"of": service}]}))

    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    assert (answer.status, answer.content_type) == (200, "application/zip")
    assert "attachment" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        assert sorted(archive.namelist()) == [
            "auth.json", "data.json", "index.html", "mailer.json", "orders.json", "warranty.json",
        ]  # fmt: skip
        everything = json.loads(archive.read("data.json"))
        page = archive.read("index.html").decode()
        own = json.loads(archive.read("auth.json"))
    assert [order["number"] for order in everything["services"]["orders"]["orders"]] == [2, 1]
    assert own["sections"]["profile"][0]["email"] == ANN
    assert [row["what"] for row in own["sections"]["trail"]][-1] in ("registered", "verified", "logged-in")
    assert own["sections"]["sessions"][0]["device"]
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.startswith('<!doctype html>\n<html lang="en">')


@pytest.mark.parametrize(("language", "word"), [("ja", "注文"), ("de", "Bestellungen"), ("en", "Orders")])
async def test_the_page_follows_the_accounts_language(ann: Browser, world: World, language: str, word: str) -> None:
    world.accounts.stored = {key: replace(each, language=language) for key, each in world.accounts.stored.items()}
    export_id = await ask_export(ann)
    await answer_all(world)

    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        page = archive.read("index.html").decode()
    assert f'<html lang="{language}">' in page
    assert f"<h2>{word}</h2>" in page


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["account number", "Logged in", "paid", "special offers", "$123.45", "12:00", "by</dt><dd>mailed link"]),
        (
            "de",
            [
                "Kontonummer",
                "Ein Browser",
                "Angemeldet",
                "bezahlt",
                "Sonderangebote",
                "123,45",
                "12:00",
                "Link aus der Mail",
            ],
        ),
        ("ja", ["アカウント番号", "ログイン", "支払い済み", "特別セール", "$123.45", "12:00", "メールのリンク"]),
    ],
)
async def test_the_page_words_names_codes_times_and_amounts(
    ann: Browser, world: World, language: str, shown: list[str]
) -> None:
    world.accounts.stored = {key: replace(each, language=language) for key, each in world.accounts.stored.items()}
    export_id = await ask_export(ann)
    order = {"status": "paid", "currency": "USD", "total_minor": 12345, "lines": [{"unit_price_minor": 500}]}
    await hear(world, exported(world, "orders", {"orders": [order]}))
    await hear(world, exported(world, "mailer", {"subscription": [{"topics": ["offers"]}]}))
    await hear(world, exported(world, "warranty", {"purchases": [{"covered_until": "2028-11-22"}]}))

    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        page = archive.read("index.html").decode()
    assert [each for each in shown if each not in page] == []
    raw = ("account id", "logged-in", "12345", "2028-11-22", "2026-11-22T", "_at<", "password given at")
    assert [each for each in raw if each in without_ids(page)] == []


async def test_no_secret_is_in_the_archive(ann: Browser, world: World) -> None:
    export_id = await ask_export(ann)
    await answer_all(world)

    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for secret in (PASSWORD, "$argon2id", *ann.jar.values()):
        assert secret not in everything


async def test_parts_are_kept_sealed(ann: Browser, world: World) -> None:
    await ask_export(ann)
    await hear(world, exported(world, "orders", {"orders": [{"name": "Ann Example"}]}))

    assert all(b"Ann Example" not in part.box for part in world.exports.kept.values())


async def test_answers_may_come_twice_and_late(ann: Browser, world: World) -> None:
    await ask_export(ann)
    events = [exported(world, service, {}) for service in ASKED]

    for event in (*events, *reversed(events)):
        await hear(world, event)

    assert templates(world).count("data-ready") == 1
    assert world.trail.whats(account_id(world)).count("export-ready") == 1


async def test_whoever_dies_before_the_last_note_makes_it_ready_at_the_next_delivery(
    ann: Browser, world: World
) -> None:
    export_id = await ask_export(ann)
    events = [exported(world, service, {}) for service in ASKED]
    for event in events[:-1]:
        await hear(world, event)
    await world.exports.note(export_id, "warranty", part=1, of=1)  # noted, and then killed

    await hear(world, events[-1])

    assert templates(world).count("data-ready") == 1


async def test_an_archive_is_there_for_a_day(ann: Browser, world: World) -> None:
    export_id = await ask_export(ann)
    await answer_all(world)
    world.clock.advance(seconds=24 * 3600 - 1)
    await ann.log_in(ANN)
    in_time = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    world.clock.advance(seconds=1)

    too_late = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")
    shown = await (await ann.send("GET", f"/api/auth/me/exports/{export_id}")).json()
    assert (in_time.status, too_late.status, shown["status"]) == (200, 404, "expired")


async def test_what_is_not_ready_cannot_be_fetched(ann: Browser) -> None:
    export_id = await ask_export(ann)

    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    assert (answer.status, (await answer.json())["type"]) == (409, "/problems/export-not-ready")


async def test_one_runs_at_a_time_and_five_a_day(ann: Browser, world: World) -> None:
    await ask_export(ann)
    second = await ann.send("POST", "/api/auth/me/export")
    statuses = []
    for _ in range(5):
        await answer_all(world)
        statuses.append((await ann.send("POST", "/api/auth/me/export")).status)

    assert (second.status, "Retry-After" in second.headers) == (429, True)
    assert statuses == [202, 202, 202, 202, 429]


async def test_another_accounts_export_is_not_found(ann: Browser, world: World, client: TestClient[Any, Any]) -> None:
    export_id = await ask_export(ann)
    await answer_all(world)
    bo = Browser(client, world.settings)
    await register(bo, world, "bo@shop.example", "Bo")
    await bo.log_in("bo@shop.example")

    answers = [await bo.send("GET", f"/api/auth/me/exports/{export_id}{end}") for end in ("", "/archive")]
    listed = await (await bo.send("GET", "/api/auth/me/exports")).json()

    assert [answer.status for answer in answers] == [404, 404]
    assert listed == {"items": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/auth/me/export"), ("GET", "/api/auth/me/exports/x/archive"), ("DELETE", "/api/auth/me")],
)
async def test_the_password_must_have_been_given_a_moment_ago(
    ann: Browser, world: World, method: str, path: str
) -> None:
    world.clock.advance(seconds=15 * 60)

    answer = await ann.send(method, path)

    assert (answer.status, (await answer.json())["type"]) == (403, "/problems/fresh-login-required")
    assert account_id(world)


async def erase(browser: Browser) -> dict[str, Any]:
    answer = await browser.send("DELETE", "/api/auth/me")
    assert answer.status == 202
    receipt: dict[str, Any] = (await answer.json())["receipt"]
    return receipt


async def receipt_of(browser: Browser, token: str) -> dict[str, Any]:
    answer = await browser.send("POST", "/api/auth/erasures/receipt", json={"token": token})
    assert answer.status == 200
    shown: dict[str, Any] = await answer.json()
    return shown


async def test_an_erased_account_is_gone_at_once(ann: Browser, world: World) -> None:
    account = account_id(world)
    await ask_export(ann)
    await ann.send("POST", "/api/auth/password/forgot", json={"email": ANN})
    elsewhere = ann.copy()

    receipt = await erase(ann)

    assert ann.jar == {}
    assert world.resets.stored == {}
    assert (await elsewhere.send("GET", "/api/auth/session")).status == 401
    assert (await elsewhere.log_in(ANN)).status == 401
    assert account in world.data_keys.erased
    assert (world.sessions.stored, world.exports.stored, world.exports.kept) == ({}, {}, {})
    assert receipt["status"] == "running"
    assert receipt["link"] == f"https://shop.example/erased?t={receipt['token']}"


async def test_remembered_browsers_end_too(browser: Browser, world: World) -> None:
    await register(browser, world)
    await browser.log_in(ANN, remember=True)
    forgotten = browser.copy()
    forgotten.close()

    await erase(browser)

    assert (await forgotten.identity()).headers["X-Identity"] == ""


async def test_the_others_are_told_whom_to_forget_by_the_address_of_now(ann: Browser, world: World) -> None:
    await erase(ann)

    event = asked(world, AccountErased)
    told = event.read(AccountErased)
    person = world.sealing.unsealer("mailer").open(Person, told.person, event=event, field="person")
    assert person.email == ANN
    assert set(told.person) == set(ASKED)
    assert ANN not in json.dumps(event.data)


async def test_the_receipt_fills_and_is_complete_with_the_last_answer(ann: Browser, world: World) -> None:
    token = (await erase(ann))["token"]
    await hear(world, erased(world, "orders"))
    halfway = await receipt_of(ann, token)
    early = templates(world)

    for service in ("warranty", "mailer"):
        await hear(world, erased(world, service))

    shown = await receipt_of(ann, token)
    assert (halfway["status"], halfway["services"]["mailer"]["status"]) == ("running", "running")
    assert "erased" not in early
    assert (shown["status"], shown["completed_at"]) == ("complete", "2026-11-22T03:00:00Z")
    assert shown["services"]["orders"] == {
        "status": "erased",
        "erased": [{"what": "profile", "count": 1}],
        "kept": [{"what": "purchase-facts", "why": "bookkeeping", "count": 2}],
    }
    assert {each["what"] for each in shown["services"]["auth"]["erased"]} == {"account", "sessions"}
    assert [recipient.email for template, recipient in world.mails if template == "erased"] == [ANN]
    assert [recipient.link for template, recipient in world.mails if template == "erased"] == [
        f"https://shop.example/erased?t={token}"
    ]


async def test_a_complete_receipt_holds_no_identity(ann: Browser, world: World) -> None:
    account = account_id(world)
    await erase(ann)
    for service in ASKED:
        await hear(world, erased(world, service))

    [kept] = world.erasures.stored.values()

    assert (kept.account_id, kept.mail) == ("", None)
    assert account not in repr(kept)


async def test_answers_to_an_erasure_may_come_twice(ann: Browser, world: World) -> None:
    account = account_id(world)
    await erase(ann)
    events = [erased(world, service) for service in ASKED]

    for event in (*events, *events):
        await hear(world, event)

    assert templates(world).count("erased") == 1
    assert [w for w in world.trail.whats(account) if w.startswith("eras")] == ["erasure-asked", "erased"]


async def test_an_answer_to_nothing_that_is_known_is_let_go(ann: Browser, world: World) -> None:
    await erase(ann)
    event = erased(world, "orders")
    event.data["erasure_id"] = "another"

    await hear(world, event)

    assert len(world.erasures.stored) == 1


async def test_the_address_is_free_for_a_new_account(ann: Browser, world: World) -> None:
    old = account_id(world)
    await erase(ann)

    await register(ann, world)

    assert (await ann.log_in(ANN)).status == 200
    assert [each for each in world.accounts.stored if each != old]


async def test_an_unknown_receipt_is_not_found(browser: Browser) -> None:
    answer = await browser.send("POST", "/api/auth/erasures/receipt", json={"token": "guess"})

    assert (answer.status, (await answer.json())["type"]) == (404, "/problems/unknown-token")


async def test_whoever_works_here_cannot_vanish(browser: Browser, world: World) -> None:
    await register(browser, world)
    await browser.log_in(ANN)
    own = world.accounts.stored[account_id(world)]
    world.accounts.stored[own.id] = replace(own, roles=own.roles | {"support"})

    answer = await browser.send("DELETE", "/api/auth/me")

    assert (answer.status, (await answer.json())["type"]) == (409, "/problems/staff-stays")
    assert world.accounts.stored[own.id].email_key == own.email_key


async def test_twenty_requests_at_once_erase_once(ann: Browser, world: World) -> None:
    tabs = [ann.copy() for _ in range(20)]

    answers = await asyncio.gather(*(tab.send("DELETE", "/api/auth/me") for tab in tabs))

    statuses = [answer.status for answer in answers]
    assert statuses.count(202) == 1
    assert set(statuses) <= {202, 401, 403}
    assert len(world.erasures.stored) == 1
    assert sum(event.type == AccountErased.TYPE for event in world.accounts.events) == 1


class Dies:
    """A store that dies at its n-th call from now on."""

    def __init__(self, store: Any, fuse: list[int]) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)

        async def mortal(*args: Any, **named: Any) -> Any:
            self._fuse[0] -= 1
            if self._fuse[0] <= 0:
                raise TransientError("killed")
            return await call(*args, **named)

        return mortal


@pytest.mark.parametrize("dies_at", range(1, 8))
async def test_whoever_dies_between_two_steps_has_it_finished_by_the_sweep(
    ann: Browser, world: World, dies_at: int
) -> None:
    account = account_id(world)
    await ann.send("PUT", "/api/auth/preferences", json={"language": "en", "currency": "JPY"})
    fuse = [10_000]
    names = ("people", "erasures", "remembered", "sessions", "exports", "trail")
    doomed = replace(world.deps, **{name: Dies(getattr(world.deps, name), fuse) for name in names})
    await erase(ann)
    [begun] = await world.erasures.begun(limit=9)
    world.erasures.stored.clear()
    fuse[0] = dies_at
    with pytest.raises(TransientError):
        await carry_on(doomed, begun)

    await sweep(world.deps)

    assert account in world.data_keys.erased
    assert list(world.erasures.stored) == [begun.id]
    assert world.trail.whats(account).count("erasure-asked") == 1


async def test_an_answer_that_is_quicker_than_the_receipt_is_not_lost(ann: Browser, world: World) -> None:
    token = (await erase(ann))["token"]
    world.erasures.stored.clear()  # killed before it was opened

    await hear(world, erased(world, "orders"))

    assert (await receipt_of(ann, token))["services"]["orders"]["status"] == "erased"


async def test_the_emptied_document_goes_once_it_has_been_there_for_a_while(ann: Browser, world: World) -> None:
    await erase(ann)
    await sweep(world.deps)
    before = len(world.accounts.stored)

    world.clock.advance(seconds=31)
    await sweep(world.deps)

    assert (before, len(world.accounts.stored)) == (1, 0)
    await sweep(world.deps)


async def test_a_part_of_a_copy_that_comes_after_the_erasure_is_let_go(ann: Browser, world: World) -> None:
    await ask_export(ann)
    event = exported(world, "orders", {"orders": [{"name": "Ann"}]})
    await erase(ann)

    await hear(world, event)

    assert world.exports.kept == {}


async def move(browser: Browser, world: World, new: str) -> None:
    """Change the account's address; both agree."""
    assert (await browser.send("PUT", "/api/auth/email", json={"email": new})).status == 202
    for template in ("email-confirm", "email-approve"):
        token = [recipient for name, recipient in world.mails if name == template][-1].link.partition("t=")[2]
        assert (await browser.send("POST", "/api/auth/email/confirm", json={"token": token})).status == 200


def persons_told(world: World, contract: type[ExportRequested] | type[AccountErased]) -> Person:
    """Whom mailer is asked about."""
    event = asked(world, contract)
    return world.sealing.unsealer("mailer").open(
        Person, event.read(contract).person, event=event, field="person"
    )  # fmt: skip


async def test_the_others_are_asked_by_former_addresses_too(ann: Browser, world: World) -> None:
    for new in ("ann@two.example", "ann@three.example"):
        await move(ann, world, new)
    export_id = await ask_export(ann)
    await answer_all(world)
    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        [profile] = json.loads(archive.read("auth.json"))["sections"]["profile"]
    exported_of = persons_told(world, ExportRequested)

    await erase(ann)

    expected = Person(email="ann@three.example", former_emails=(ANN, "ann@two.example"))
    assert (exported_of, persons_told(world, AccountErased)) == (expected, expected)
    assert profile["former_emails"] == [ANN, "ann@two.example"]


async def test_a_former_address_that_is_somebody_elses_account_by_now_is_left_alone(
    ann: Browser, world: World, client: TestClient[Any, Any]
) -> None:
    await move(ann, world, "ann@two.example")
    await register(Browser(client, world.settings), world, ANN, "Another Ann")

    await erase(ann)

    assert persons_told(world, AccountErased) == Person(email="ann@two.example")


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "en",
            ["the bank asks the buyer", "shipped", "paid back", "what has happened", "order cancelled"],
        ),
        ("de", ["die Bank fragt den Käufer", "verschickt", "erstattet", "was geschehen ist", "Bestellung storniert"]),
        ("ja", ["本人認証待ち", "発送済み", "返金額", "これまでの経過", "ご注文のキャンセル", "契約の撤回"]),
    ],
)
async def test_the_page_has_words_for_what_became_of_an_order(
    ann: Browser, world: World, language: str, shown: list[str]
) -> None:
    world.accounts.stored = {key: replace(each, language=language) for key, each in world.accounts.stored.items()}
    export_id = await ask_export(ann)
    order = {
        "status": "needs_action",
        "timeline": [{"status": "shipped", "by": "buyer", "note": ""}],
        "refunds": [{"amount_minor": 500, "source": "withdrawal", "state": "done"}],
        "refunded_minor": 500,
        "can_cancel": False,
        "withdrawal": None,
    }
    await hear(world, exported(world, "orders", {"orders": [order]}))
    await hear(world, exported(world, "mailer", {"service-mails": [{"about": "cancelled"}]}))
    await hear(world, exported(world, "warranty", {}))

    answer = await ann.send("GET", f"/api/auth/me/exports/{export_id}/archive")

    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        page = archive.read("index.html").decode()
    assert [each for each in shown if each not in page] == []
    raw = ("needs_action", "refunded minor", "amount minor", "can cancel")
    assert [each for each in raw if each in page] == []
