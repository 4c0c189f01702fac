"""Warranty's pages, without a script: my watches, a claim and its story, the desk; in three languages."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from services.warranty.claims.domain import Problem, Remedy
from services.warranty.claims.steps import Status
from services.warranty.claims.store import MOST_FIGURED
from services.warranty.pages import words
from services.warranty.pages.words import LANGUAGES, words_of
from shared.testing.identity import an_identity
from tests.unit.warranty.claim_doubles import a_claim
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.photo_doubles import a_photo
from tests.unit.warranty.test_claims import WISH
from tests.unit.warranty.test_photos import a_form
from tests.unit.warranty.world import World

HTML = {"Accept": "text/html"}
FORM = {"purchase_id": "o-1-1-1", "problem": "stopped", "wanted": "refund", "words": "It <b>stopped</b>.", "serial": ""}


async def page(client: Client, path: str, headers: dict[str, str], status: int = 200) -> str:
    response = await client.get(path, headers=HTML | headers)
    assert response.status == status, await response.text()
    return await response.text()


async def send(client: Client, path: str, form: dict[str, str] | FormData, headers: dict[str, str]) -> tuple[int, str]:
    """A form; the status, and where it leads or what it shows."""
    response = await client.post(path, data=form, headers=HTML | headers, allow_redirects=False)
    return response.status, response.headers.get("Location", "") or await response.text()


def version_in(text: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', text)
    assert found
    return found[1].replace("&#34;", '"')


async def claimed(client: Client, world: World, **changes: Any) -> str:
    """The address of a claim's page."""
    await world.deliver("a-1")
    status, location = await send(client, "/warranty/claims/new", FORM | changes, world.as_customer("a-1"))
    assert status == 303, location
    return location.partition("?")[0]


async def test_a_watch_is_claimed_from_the_list_and_its_story_told(client: Client, world: World) -> None:
    await world.deliver("a-1")
    ann = world.as_customer("a-1")

    mine = await page(client, "/warranty", ann)
    form = await page(client, "/warranty/claims/new?purchase=o-1-1-1", ann)
    status, location = await send(client, "/warranty/claims/new", FORM, ann)
    story = await page(client, location, ann)

    assert "/warranty/claims/new?purchase=o-1-1-1" in mine
    assert "November 20, 2027" in form
    assert status == 303
    assert "Your claim has arrived." in story
    assert "It &lt;b&gt;stopped&lt;/b&gt;." in story


async def test_a_guest_goes_all_the_way_by_the_link_of_the_order(client: Client, world: World) -> None:
    await world.deliver("")
    link = f"?order=o-1&t={world.token_of('o-1')}"

    mine = await page(client, f"/warranty{link}", {})
    status, location = await send(client, f"/warranty/claims/new{link}", FORM, {})
    story = await page(client, location, {})

    assert f"purchase=o-1-1-1&amp;order=o-1&amp;t={world.token_of('o-1')}" in mine
    assert status == 303
    assert "Your claim has arrived." in story
    await page(client, f"/warranty?order=o-1&t={world.token_of('o-2')}", {}, status=404)


async def test_somebody_else_sees_nothing_and_somebody_logged_out_is_led_to_the_login(
    client: Client, world: World
) -> None:
    path = await claimed(client, world)

    await page(client, path, world.as_customer("a-2"), status=404)
    led = await client.get(path, headers=HTML, allow_redirects=False)

    assert (led.status, led.headers["Location"]) == (303, f"/login?next={path}")


async def test_what_was_typed_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    client: Client, world: World
) -> None:
    await world.deliver("a-1")

    status, text = await send(
        client, "/warranty/claims/new", FORM | {"serial": "<x>", "words": "mine"}, world.as_customer("a-1")
    )

    assert status == 422
    assert "Letters, digits, spaces and dashes only." in text
    assert ">mine</textarea>" in text
    assert world.claims.claims == {}


async def test_out_of_cover_the_page_says_so_with_days_and_offers_goodwill(client: Client, world: World) -> None:
    await world.deliver("a-1")
    world.clock.advance(days=366)

    status, text = await send(client, "/warranty/claims/new", FORM, world.as_customer("a-1"))
    again, _ = await send(client, "/warranty/claims/new", FORM | {"goodwill": "true"}, world.as_customer("a-1"))

    assert status == 409
    assert "The warranty does not cover this." in text
    assert "November 20, 2027" in text
    assert 'name="goodwill"' in text
    assert again == 303


async def test_what_is_never_covered_is_said_in_words_and_without_days_that_make_no_sense(
    client: Client, world: World
) -> None:
    await world.deliver("a-1")
    ann = world.as_customer("a-1")

    status, text = await send(client, "/warranty/claims/new", FORM | {"problem": "glass"}, ann)
    api = await client.post("/api/warranty/claims", json=WISH | {"problem": "glass"}, headers=ann)

    _, location = await send(client, "/warranty/claims/new", FORM | {"problem": "glass", "goodwill": "true"}, ann)
    story = await page(client, location, ann)

    assert ("November 19, 2026" in story, "Broken glass is not covered." in story) == (False, True)
    assert (status, "Broken glass is not covered." in text, 'name="goodwill"' in text) == (409, True, True)
    assert "November 19, 2026" not in text
    assert "November 20, 2027" in text
    assert "never covered, by rule maker" in (await api.json())["detail"]


async def test_a_refused_form_stays_with_its_watch_whatever_digits_its_id_has(client: Client, world: World) -> None:
    """Thirteen digits in a row, as one id in seventy has them, may be a card number to whoever shows a form again."""
    order = "o-7358107311091"
    await world.deliver("a-1", order=order)
    form = FORM | {"purchase_id": f"{order}-1-1", "problem": "glass"}

    status, text = await send(client, "/warranty/claims/new", form, world.as_customer("a-1"))

    assert (status, f'name="purchase_id" value="{order}-1-1"' in text) == (409, True)


async def test_what_was_paid_back_offers_no_goodwill(client: Client, world: World) -> None:
    await world.deliver("a-1")
    await world.purchases.note_paid_back("o-1-1-1", "c-0")
    ann = world.as_customer("a-1")

    form = await page(client, "/warranty/claims/new?purchase=o-1-1-1", ann)
    status, text = await send(client, "/warranty/claims/new", FORM | {"goodwill": "true"}, ann)

    assert 'name="goodwill"' not in form
    assert (status, "The warranty does not cover this." in text, "goodwill below" in text) == (409, True, False)


async def test_claimant_and_staff_write_to_each_other(client: Client, world: World) -> None:
    path = await claimed(client, world)
    ann, support = world.as_customer("a-1"), world.as_staff("support")
    desk = f"/desk{path}"

    await send(client, f"{desk}/questions", {"version": "*", "text": "Was it wet?"}, support)
    await send(client, f"{path}/messages", {"version": "*", "text": "Never."}, ann)

    for text in (await page(client, path, ann), await page(client, desk, support)):
        assert "Was it wet?" in text
        assert "Never." in text
        assert "example.org" not in text


async def test_the_desk_takes_a_repair_from_decision_to_return(client: Client, world: World) -> None:
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    desk, support = f"/desk{await claimed(client, world, wanted='repair')}", world.as_staff("support")
    steps: list[tuple[str, dict[str, str]]] = [
        ("decision", {"outcome": "repair", "note": "We repair it."}),
        ("receipt", {"serial": "TF-1"}),
        ("repair", {"diagnosis": "the coil", "cost_minor": "1200"}),
        ("return", {}),
    ]

    for name, fields in steps:
        shown = await page(client, desk, support)
        assert f'action="{desk}/{name}"' in shown
        status, location = await send(client, f"{desk}/{name}", fields | {"version": version_in(shown)}, support)
        assert (status, location) == (303, f"{desk}?done={name}")

    ended = await page(client, desk, support)
    assert "Nothing is left to be done." in ended
    assert "TF-1" in ended


async def test_a_form_of_a_page_that_is_not_so_any_more_does_nothing_and_says_so(client: Client, world: World) -> None:
    desk, support = f"/desk{await claimed(client, world)}", world.as_staff("support")
    version = version_in(await page(client, desk, support))
    await send(client, f"{desk}/review", {"version": version}, support)

    status, text = await send(client, f"{desk}/decision", {"version": version, "outcome": "refund"}, support)

    assert status == 412
    assert "Somebody else has changed the claim in the meantime." in text
    [claim] = world.claims.claims.values()
    assert claim.status is Status.UNDER_REVIEW


async def test_the_queue_shows_what_waits_and_figures_beside_their_chart(client: Client, world: World) -> None:
    path = await claimed(client, world)

    text = await page(client, "/desk/warranty", world.as_staff("support"))

    assert f"/desk{path}" in text
    assert "1 wait for the staff, 0 of them overdue." in text
    assert (text.count("<rect"), "How long claims took" in text) == (1, False)
    assert "Ann" not in text


async def test_the_queue_goes_on_page_by_page_and_shows_the_claims_of_one_status(client: Client, world: World) -> None:
    waiting = {f"c-{n:03}": a_claim(f"c-{n:03}", purchase=f"p-{n}") for n in range(60)}
    world.claims.claims = waiting | {"w-1": a_claim("w-1", purchase="p-w").withdrawn(at=NOON)}
    support = world.as_staff("support")

    first = await page(client, "/desk/warranty", support)
    more = re.search(r'href="(/desk/warranty\?cursor=[^"]+)"', first)
    assert more
    second = await page(client, more[1].replace("&amp;", "&"), support)
    withdrawn = await page(client, "/desk/warranty?status=withdrawn", support)

    shown = [re.findall(r"/desk/warranty/claims/([cw]-\d+)", text) for text in (first, second, withdrawn)]
    assert shown == [[f"c-{n:03}" for n in range(50)], [f"c-{n:03}" for n in range(50, 60)], ["w-1"]]
    assert "?cursor=" not in second.partition("<footer")[0]


@pytest.mark.parametrize("query", ["status=bogus", "cursor=zzz", "cursor=%00", "limit=3", "number=" + "x" * 41])
async def test_an_address_of_the_queue_that_makes_no_sense_is_refused(client: Client, world: World, query: str) -> None:
    await page(client, f"/desk/warranty?{query}", world.as_staff("support"), status=422)


async def test_the_desk_finds_a_claim_by_its_number(client: Client, world: World) -> None:
    path = await claimed(client, world)
    [claim] = world.claims.claims.values()
    support = world.as_staff("support")

    found = await client.get(
        "/desk/warranty", params={"number": f" {claim.number.lower()} "}, headers=HTML | support, allow_redirects=False
    )
    none = await page(client, "/desk/warranty?number=C-0", support, status=404)

    assert (found.status, found.headers["Location"]) == (303, f"/desk{path}")
    assert "There is no such claim" in none


async def test_the_desk_speaks_of_the_claimant_and_the_claimants_page_to_them(client: Client, world: World) -> None:
    path = await claimed(client, world, words="It stopped.\nTwice.")
    support = world.as_staff("support")
    await send(client, f"/desk{path}/questions", {"version": "*", "text": "Was it wet?"}, support)

    mine = await page(client, path, world.as_customer("a-1"))
    desk = await page(client, f"/desk{path}", support)

    assert ("waits for your answer" in mine, "waits for your answer" in desk) == (True, False)
    assert ("(you)" in mine, "(you)" in desk) == (True, False)
    assert "waits for the claimant" in desk
    assert "staff-1" in desk
    assert "staff-1" not in mine
    assert '<dd class="said">It stopped.\nTwice.</dd>' in mine
    assert "the maker&#39;s warranty, rule maker, version 1" in mine


async def test_a_settled_claim_says_when_and_no_longer_by_when(client: Client, world: World) -> None:
    path = await claimed(client, world)
    ann = world.as_customer("a-1")

    before = await page(client, path, ann)
    await send(client, f"{path}/withdrawal", {}, ann)
    after = await page(client, path, ann)
    figures = await page(client, "/desk/warranty", world.as_staff("support"))

    assert ("Answer by" in before, "Settled on" in before) == (True, False)
    assert ("Answer by" in after, "Done by" in after, "Settled on" in after) == (False, False, True)
    assert "How long claims took" in figures
    assert "half of them within 1 hours" not in figures


async def test_a_proposal_of_goodwill_is_filled_in_for_the_second_person(client: Client, world: World) -> None:
    await world.deliver("a-1")
    world.clock.advance(days=366)
    _, location = await send(client, "/warranty/claims/new", FORM | {"goodwill": "true"}, world.as_customer("a-1"))
    desk, support = f"/desk{location.partition('?')[0]}", world.as_staff("support")
    form = {"outcome": "repair", "return_first": "true", "note": "A good customer."}

    await send(client, f"{desk}/decision", form | {"version": version_in(await page(client, desk, support))}, support)
    shown = await page(client, desk, world.as_staff("support", who="staff-2"))

    assert '<option value="repair" selected>' in shown
    assert re.search(r'name="return_first" value="true" checked', shown)
    assert "waits for a second person" in shown
    assert "A good customer." in shown


async def test_figures_say_where_they_stop_counting(client: Client, world: World) -> None:
    world.claims.claims = {f"c-{n}": a_claim(f"c-{n}", purchase=f"p-{n}") for n in range(MOST_FIGURED + 1)}

    text = await page(client, "/desk/warranty", world.as_staff("support"))

    assert "1000+ wait for the staff, 0 of them overdue." in text
    assert '<td class="number">1000+</td>' in text


@pytest.mark.parametrize("role", ["marketing", "fraud", "officer"])
async def test_the_desk_is_for_support(client: Client, world: World, role: str) -> None:
    path = await claimed(client, world)

    for each in ("/desk/warranty", f"/desk{path}"):
        await page(client, each, world.as_staff(role), status=403)
    assert (await send(client, f"/desk{path}/decision", {"outcome": "refund"}, world.as_staff(role)))[0] == 403


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_whole_in_every_language(client: Client, world: World, language: str) -> None:
    spoken = {"Accept-Language": language}
    path = await claimed(client, world)
    ann, support = world.as_customer("a-1") | spoken, world.as_staff("support") | spoken
    said = words_of(language)

    seen = {
        "/warranty": await page(client, "/warranty", ann),
        path: await page(client, path, ann),
        "/desk/warranty": await page(client, "/desk/warranty", support),
    }

    titles = [said["watches"]["title"], said["claim"]["title"].split(" {")[0], said["desk"]["title"]]
    for (where, text), title in zip(seen.items(), titles, strict=True):
        assert title in text, where
        assert not re.search(r"[{}]", text), where
        assert f'lang="{language}"' in text


def test_the_languages_have_the_same_words_and_all_codes_have_one() -> None:
    folder = Path(words.__file__ or "").parent
    known = {name: _keys((folder / f"{name}.toml").read_text("utf-8")) for name in LANGUAGES}

    assert known["en"] == known["de"] == known["ja"]
    assert {key for section, key in known["en"] if section == "status"} == {each.value for each in Status}
    assert {key for section, key in known["en"] if section == "problems"} == {each.value for each in Problem}
    assert {key for section, key in known["en"] if section == "remedies"} == {each.value for each in Remedy}


def _keys(text: str) -> set[tuple[str, str]]:
    return {(section, key) for section, row in tomllib.loads(text).items() for key in row}


async def test_a_claim_with_photos_is_one_form_and_more_are_added_and_taken_back(client: Client, world: World) -> None:
    await world.deliver("a-1")
    ann = world.as_customer("a-1")

    form = await page(client, "/warranty/claims/new?purchase=o-1-1-1", ann)
    status, location = await send(client, "/warranty/claims/new", a_form(a_photo(), **FORM), ann)
    path = location.partition("?")[0]
    story = await page(client, location, ann)
    more, location = await send(client, f"{path}/photos", a_form(a_photo((0, 90, 0)), a_photo((0, 0, 90))), ann)
    longer = await page(client, location, ann)
    removal = re.findall(rf'action="({path}/photos/[0-9a-f]+/removal)"', longer)
    gone, location = await send(client, removal[0], {}, ann)
    shorter = await page(client, location, ann)

    assert 'enctype="multipart/form-data"' in form
    assert (status, more, gone) == (303, 303, 303)
    assert "It &lt;b&gt;stopped&lt;/b&gt;." in story
    assert [text.count("<figure>") for text in (story, longer, shorter)] == [1, 3, 2]
    [shown, *_] = re.findall(r'<img src="(/api/[^"]+)"', shorter)
    assert (await client.get(shown, headers=ann)).status == 200


async def test_a_file_that_is_no_photo_is_told_at_its_field_and_no_claim_is_made(client: Client, world: World) -> None:
    await world.deliver("a-1")
    ann = world.as_customer("a-1")

    status, shown = await send(client, "/warranty/claims/new", a_form(b"<svg/>", **FORM), ann)
    claims_made = len(world.claims.claims)
    status_ok, location = await send(client, "/warranty/claims/new", a_form(b"", **FORM), ann)
    path = location.partition("?")[0]
    none, told = await send(client, f"{path}/photos", a_form(b""), ann)

    assert (status, claims_made, status_ok, none) == (422, 0, 303, 422)
    assert 'id="f-photo-error">That is no photo' in shown
    assert "It &lt;b&gt;stopped&lt;/b&gt;." in shown
    assert 'id="f-photo-error">This is needed.' in told


async def test_the_desk_shows_the_photos(client: Client, world: World) -> None:
    await world.deliver("a-1")
    _, location = await send(client, "/warranty/claims/new", a_form(a_photo(), **FORM), world.as_customer("a-1"))
    claim_id = location.partition("?")[0].rpartition("/")[2]

    text = await page(client, f"/desk/warranty/claims/{claim_id}", world.as_staff("support"))

    [shown] = re.findall(r'<img src="(/api/warranty/desk/[^"]+)"', text)
    assert (await client.get(shown, headers=world.as_staff("support"))).status == 200


async def test_a_watch_is_handed_on_by_pages(client: Client, world: World) -> None:
    await world.deliver("a-1")
    ann, bob = world.as_customer("a-1"), world.as_customer("a-2")

    mine = await page(client, "/warranty", ann)
    status, shown = await send(client, "/warranty/offer", {"purchase": "o-1-1-1"}, ann)
    [code] = re.findall(r'class="code">([0-9A-Z-]{19})<', shown)
    wrong, told = await send(
        client, "/warranty/transfer", {"code": "0000", "contact.name": "Bob", "contact.email": "bob@example.org"}, bob
    )
    unfit, fields = await send(client, "/warranty/transfer", {"code": code, "contact.email": "bob"}, bob)
    taken, location = await send(
        client, "/warranty/transfer", {"code": code, "contact.name": "Bob", "contact.email": "bob@example.org"}, bob
    )

    assert '<input type="hidden" name="purchase" value="o-1-1-1">' in mine
    assert (status, wrong, unfit, taken) == (200, 404, 422, 303)
    assert "This code is of no watch" in told
    assert "contact-email-error" in fields
    assert "The watch is yours now." in await page(client, location, bob)
    assert "o-1-1-1" not in await page(client, "/warranty", ann)


async def test_who_was_only_remembered_confirms_the_password_and_comes_back_to_the_list(
    client: Client, world: World
) -> None:
    await world.deliver("a-1")
    remembered = world.auth.headers(an_identity("a-1", fresh=False))

    status, location = await send(client, "/warranty/offer", {"purchase": "o-1-1-1"}, remembered)

    assert (status, location) == (303, "/confirm?next=/warranty")


async def test_support_reads_the_history_of_a_watch_by_its_serial_number(client: Client, world: World) -> None:
    path = await claimed(client, world)
    await world.purchases.number("o-1-1-1", "TF-2", at=NOON)
    support = world.as_staff("support")
    await send(client, f"{path}/withdrawal", {}, world.as_customer("a-1"))

    empty = await page(client, "/desk/warranty/units", support)
    found = await page(client, "/desk/warranty/units?serial=tf-2", support)
    none = await page(client, "/desk/warranty/units?serial=TF-9", support, status=404)
    await page(client, "/desk/warranty/units?serial=TF-2", world.as_customer("a-1"), status=403)

    assert "<dl>" not in empty
    assert ("TF-2" in found, "taken back" in found, "Ann Example" in found) == (True, True, False)
    assert f"/desk/warranty/claims/{path.rpartition('/')[2]}" in found
    assert "There is no such watch" in none
