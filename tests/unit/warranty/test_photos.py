"""Photos of a claim over HTTP: sent however a client sends files, drawn anew, sealed, seen by the right people."""

import asyncio
import io
from typing import Any

import pytest
from aiohttp import FormData
from PIL import Image

from services.warranty.claims.domain import MOST_PHOTOS
from services.warranty.photos.redraw import MAX_BYTES
from services.warranty.photos.usecases import STRAY_AFTER, sweep_photos
from shared.contracts.warranty import PersonErased, PersonExported
from shared.testing.persons import AskingAuth, told
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.photo_doubles import a_photo
from tests.unit.warranty.test_claims import CLAIMS, WISH, opened, step
from tests.unit.warranty.test_mydata import hear
from tests.unit.warranty.test_orders import claimed, handle
from tests.unit.warranty.world import World

RAW = {"Content-Type": "image/jpeg"}


def a_form(*photos: bytes, **fields: str) -> FormData:
    form = FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    for photo in photos:
        form.add_field("photo", photo, filename="../../IMG_1.JPG", content_type="image/jpeg")
    return form


async def sent(
    client: Client, world: World, claim: dict[str, Any], body: Any, *, who: str = "a-1", **headers: str
) -> tuple[int, dict[str, Any]]:
    path = f"{CLAIMS}/{claim['id']}/photos"
    response = await client.post(path, data=body, headers=world.as_customer(who) | headers)
    return response.status, await response.json()


async def test_a_photo_is_kept_as_pixels_and_shown_to_its_claimant(client: Client, world: World) -> None:
    claim = await opened(client, world)

    status, photo = await sent(client, world, claim, a_form(a_photo()))
    shown = await client.get(photo["href"], headers=world.as_customer("a-1"))
    jpeg = await shown.read()

    assert (status, photo["width"], photo["height"], photo["size"]) == (201, 64, 48, len(jpeg))
    assert (shown.status, shown.headers["Content-Type"], shown.headers["Cache-Control"]) == (
        200, "image/jpeg", "no-store",
    )  # fmt: skip
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (64, 48), {})
    assert b"PADLOCKMAKER" not in jpeg
    seen = await (await client.get(f"{CLAIMS}/{claim['id']}", headers=world.as_customer("a-1"))).json()
    assert [each["id"] for each in seen["photos"]] == [photo["id"]]


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("WEBP", "application/octet-stream")])
async def test_a_photo_may_be_the_whole_body(client: Client, world: World, kind: str, media_type: str) -> None:
    claim = await opened(client, world)

    status, photo = await sent(client, world, claim, a_photo(kind=kind), **{"Content-Type": media_type})

    assert (status, photo["width"]) == (201, 64)


async def test_what_is_stored_is_sealed(client: Client, world: World) -> None:
    claim = await opened(client, world)
    _, photo = await sent(client, world, claim, a_photo(), **RAW)
    jpeg = await (await client.get(photo["href"], headers=world.as_customer("a-1"))).read()

    [pieces] = world.photos.stored.values()

    assert b"JFIF" in jpeg
    assert b"JFIF" not in b"".join(pieces)
    assert jpeg[100:140] not in b"".join(pieces)


async def test_the_same_photo_sent_again_is_the_same_one(client: Client, world: World) -> None:
    claim = await opened(client, world)

    answers = await asyncio.gather(*(sent(client, world, claim, a_photo(), **RAW) for _ in range(4)))
    _, other = await sent(client, world, claim, a_photo((1, 2, 3)), **RAW)

    assert {status for status, _ in answers} == {201}
    [photo_id] = {photo["id"] for _, photo in answers}
    assert photo_id != other["id"]
    assert len(world.photos.stored) == 2
    assert world.photos.stray == {}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 422, "not-a-photo"),
        (b"\xff\xd8\xff" + b"<script>" * 9, 422, "not-a-photo"),
        (b"\xff\xd8\xff" + bytes(MAX_BYTES), 413, "body-too-large"),
        (b"", 422, "not-a-photo"),
    ],
)
async def test_what_is_no_photo_is_refused_and_nothing_kept(
    client: Client, world: World, body: bytes, status: int, code: str
) -> None:
    claim = await opened(client, world)

    answered, problem = await sent(client, world, claim, io.BytesIO(body), **RAW)

    assert (answered, problem["type"]) == (status, f"/problems/{code}")
    assert world.photos.stored == {}


async def test_a_body_without_a_photo_and_one_with_two_are_refused_by_field(client: Client, world: World) -> None:
    claim = await opened(client, world)

    none = await sent(client, world, claim, a_form(words="only text"))
    two = await sent(client, world, claim, a_form(a_photo(), a_photo((1, 2, 3))))
    text = await sent(client, world, claim, b"{}", **{"Content-Type": "application/json"})
    broken = await sent(client, world, claim, b"--x\r\nnothing", **{"Content-Type": "multipart/form-data; boundary=x"})

    assert (none[0], none[1]["errors"][0]["pointer"]) == (422, "/photo")
    assert [two[0], text[0], broken[0]] == [413, 415, 400]
    assert world.photos.stored == {}


async def test_a_claim_has_so_many_photos_and_none_after_its_end(client: Client, world: World) -> None:
    claim = await opened(client, world)
    for n in range(MOST_PHOTOS):
        assert (await sent(client, world, claim, a_photo((n * 20, 0, 0)), **RAW))[0] == 201

    over = await sent(client, world, claim, a_photo((0, 99, 0)), **RAW)
    again = await sent(client, world, claim, a_photo((20, 0, 0)), **RAW)
    await client.post(f"{CLAIMS}/{claim['id']}/withdrawal", headers=world.as_customer("a-1"))
    ended = await sent(client, world, claim, a_photo((0, 0, 98)), **RAW)

    assert (over[0], over[1]["type"]) == (409, "/problems/too-many-photos")
    assert again[0] == 409
    assert (ended[0], ended[1]["type"]) == (409, "/problems/illegal-step")
    assert len(world.photos.stored) == MOST_PHOTOS


async def test_a_photo_answers_what_the_staff_have_asked_for(client: Client, world: World) -> None:
    claim = await opened(client, world)
    await step(client, world, claim, "questions", {"text": "A photo, please."})

    await sent(client, world, claim, a_photo(), **RAW)

    seen = await (await client.get(f"{CLAIMS}/{claim['id']}", headers=world.as_customer("a-1"))).json()
    assert (seen["status"], seen["history"][-1]["why"]) == ("under_review", "answered")


async def test_others_see_no_photo_and_a_look_of_the_staff_is_kept(client: Client, world: World) -> None:
    claim = await opened(client, world)
    _, photo = await sent(client, world, claim, a_photo(), **RAW)
    desk_path = f"/api/warranty/desk/claims/{claim['id']}/photos/{photo['id']}"

    others = [
        (await client.get(photo["href"], headers=world.as_customer("a-2"))).status,
        (await client.get(photo["href"])).status,
        (await client.delete(photo["href"], headers=world.as_customer("a-2"))).status,
        (await sent(client, world, claim, a_photo((1, 2, 3)), who="a-2", **RAW))[0],
        (await client.get(desk_path, headers=world.as_customer("a-2"))).status,
        (await client.get(f"{CLAIMS}/{claim['id']}/photos/p-9", headers=world.as_customer("a-1"))).status,
    ]
    before = len(world.accesses.kept)
    staff = await client.get(desk_path, headers=world.as_staff("support"))

    assert others == [404, 401, 404, 404, 403, 404]
    assert (before, staff.status, len(world.accesses.kept)) == (0, 200, 1)


async def test_a_guest_sends_and_sees_photos_by_the_link_and_takes_them_along(client: Client, world: World) -> None:
    await world.deliver("")
    link = {"order": "o-1", "t": world.token_of("o-1")}
    claim = await (await client.post(CLAIMS, params=link, json=WISH)).json()
    path = f"{CLAIMS}/{claim['id']}/photos"
    photo = await (await client.post(path, params=link, data=a_photo(), headers=RAW)).json()
    before = await (await client.get(photo["href"], params=link)).read()

    await handle(world, claimed(world))

    after = await client.get(photo["href"], headers=world.as_customer("a-1"))
    assert (after.status, await after.read()) == (200, before)
    assert (await client.get(photo["href"], params=link)).status == 404
    assert len(world.photos.stored) == 1
    assert world.photos.stray == {}


async def test_a_photo_can_be_taken_back_until_the_claim_is_decided(client: Client, world: World) -> None:
    claim = await opened(client, world)
    photos = [(await sent(client, world, claim, a_photo((n * 20, 0, 0)), **RAW))[1] for n in range(2)]
    ann = world.as_customer("a-1")

    gone = await client.delete(photos[0]["href"], headers=ann)
    again = await client.delete(photos[0]["href"], headers=ann)
    await step(client, world, claim, "decision", {"outcome": "repair"})
    late = await client.delete(photos[1]["href"], headers=ann)

    assert (gone.status, again.status, late.status) == (204, 404, 409)
    assert len(world.photos.stored) == 1
    assert (await client.get(photos[1]["href"], headers=ann)).status == 200


async def test_whatever_a_crash_leaves_is_swept_up_and_what_a_claim_names_is_kept(client: Client, world: World) -> None:
    claim = await opened(client, world)
    _, photo = await sent(client, world, claim, a_photo(), **RAW)
    [file] = world.photos.stored
    now = world.deps.clock()
    await world.photos.doubt(file, at=now)  # as if nobody had come to say that it is kept
    await world.photos.put("left", world.photos.names[file], [b"sealed"], at=now)

    await sweep_photos(world.deps)
    young = set(world.photos.stored)
    world.clock.advance(seconds=STRAY_AFTER.total_seconds() + 1)
    await sweep_photos(world.deps)

    assert young == {file, "left"}
    assert set(world.photos.stored) == {file}
    assert world.photos.stray == {}
    assert (await client.get(photo["href"], headers=world.as_customer("a-1"))).status == 200


async def test_a_copy_of_ones_data_has_ones_photos_and_an_erasure_takes_them(client: Client, world: World) -> None:
    claim = await opened(client, world)
    await sent(client, world, claim, a_photo(), **RAW)
    auth = AskingAuth(world.sealing)

    await hear(world, auth.export("a-1"))
    [row] = auth.collected(world.answers.events[0], PersonExported)["photos"]
    world.answers.events.clear()
    await hear(world, auth.erasure("a-1"))

    assert str(row["jpeg"]).startswith("/9j/")
    assert row["claim"] == claim["number"]
    assert world.photos.stored == {}
    assert told(world.answers.events[0], PersonErased)["erased"]["photos"] == 1
