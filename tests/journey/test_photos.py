"""Photos of a fault through the gateway: pixels only, sealed in the database, too large ones stopped on the way."""

import io
import zipfile
from typing import Any

import pytest
from PIL import Image
from pymongo import AsyncMongoClient

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.journey.test_claims import CLAIMS, Address, bought

pytestmark = pytest.mark.together

JPEG = "image/jpeg"
MAKER = "PADLOCKMAKER"


def a_photo() -> bytes:
    """Of a telephone: noise, so that it is large, with its maker and the place where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = MAKER
    exif.get_ifd(0x8825)[2] = (35.0, 39.0, 34.2)
    out = io.BytesIO()
    Image.effect_noise((1600, 1200), 90).convert("RGB").save(out, "JPEG", quality=95, exif=exif.tobytes())
    return out.getvalue()


async def stored(shop: Shop, collection: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """What warranty's database has."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(shop.stack.read()["mongo"])
    async with client:
        return await client["warranty"][collection].find(wanted).to_list()


async def claimed(buyer: Browser, email: str) -> dict[str, Any]:
    placed = await bought(buyer, email)
    records = await eventually(lambda: buyer.all("/api/warranty/purchases"), bool)
    [item] = [each for each in records if each["order_number"] == placed["number"]]
    wish = {"purchase_id": item["id"], "problem": "other", "wanted": "repair", "words": "See the photo."}
    return dict((await buyer.call("POST", CLAIMS, wish, expect=201)).json)


async def test_a_photo_goes_through_the_gateway_as_pixels_and_lies_sealed(
    shop: Shop,
    ann: Browser,
    support: Browser,
    address: Address,
) -> None:
    claim = await claimed(ann, address("ann"))
    sent = a_photo()
    assert MAKER.encode() in sent
    assert len(sent) > 600_000  # more than the gateway takes elsewhere

    answer = await ann.upload(f"{CLAIMS}/{claim['id']}/photos", sent, JPEG)
    assert answer.status == 201, answer.text
    shown = await ann.download(answer.json["href"])
    by_staff = await support.download(f"/api/warranty/desk/claims/{claim['id']}/photos/{answer.json['id']}")

    with Image.open(io.BytesIO(shown)) as image:
        assert (image.format, image.size, len(image.getexif())) == ("JPEG", (1600, 1200), 0)
    assert MAKER.encode() not in shown
    assert by_staff == shown
    [file] = await stored(shop, "photos.files", {"metadata.claim_id": claim["id"]})
    chunks = [chunk["data"] for chunk in await stored(shop, "photos.chunks", {"files_id": file["_id"]})]
    assert sum(map(len, chunks)) > len(shown)
    assert not [chunk for chunk in chunks if b"JFIF" in chunk or shown[2000:2040] in chunk]


async def test_what_is_too_large_or_no_photo_is_refused_on_the_way(
    ann: Browser,
    address: Address,
) -> None:
    claim = await claimed(ann, address("ann"))
    path = f"{CLAIMS}/{claim['id']}/photos"

    huge = await ann.upload(path, b"\xff\xd8\xff" + bytes(50_000_000), JPEG)
    large = await ann.upload(path, b"\xff\xd8\xff" + bytes(12_000_000), JPEG)
    svg = await ann.upload(path, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    cut = await ann.upload(path, a_photo()[:5000], JPEG)
    elsewhere = await ann.upload(f"{CLAIMS}/{claim['id']}/messages", bytes(70_000), "application/json")

    assert [each.status for each in (huge, large, svg, elsewhere)] == [413, 413, 415, 413]
    assert cut.json.get("type") in (None, "/problems/not-a-photo")
    seen = (await ann.call("GET", f"{CLAIMS}/{claim['id']}", expect=200)).json
    assert len(seen["photos"]) == (1 if cut.status == 201 else 0)


async def test_ones_copy_has_the_photo_and_an_erasure_leaves_none(
    shop: Shop,
    ann: Browser,
    address: Address,
) -> None:
    claim = await claimed(ann, address("ann"))
    photo = (await ann.upload(f"{CLAIMS}/{claim['id']}/photos", a_photo(), JPEG)).json
    shown = await ann.download(photo["href"])

    export = (await ann.call("POST", "/api/auth/me/export", expect=202)).json
    archive_path = f"/api/auth/me/exports/{export['id']}/archive"
    raw = await eventually(lambda: ann.download(archive_path), bool)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        copy = archive.read("warranty.json").decode()
        page = archive.read("index.html").decode()
    before = await stored(shop, "photos.files", {"metadata.claim_id": claim["id"]})
    await ann.call("DELETE", "/api/auth/me", expect=202)

    assert '"jpeg"' in copy
    assert 'src="data:image/jpeg;base64,/9j/' in page
    assert len(shown) > 0
    assert len(before) == 1
    wanted = {"metadata.claim_id": claim["id"]}
    await eventually(lambda: stored(shop, "photos.files", wanted), lambda left: left == [])
