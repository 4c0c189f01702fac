"""The harmonised notice of the legal guarantee: its words, its code, where it stands, the Commission's own files."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from pydantic import ValidationError

from services.orders.app import build_app
from services.orders.config import Settings
from services.orders.guarantee.notice import notice_in, official_files
from services.orders.life.view import link_to
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import SKU, World, a_body

HTML = {"Accept": "text/html"}
BERLIN = {"line1": "Lindenweg 1", "city": "Berlin", "postcode": "10117", "country": "DE"}
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><title>official</title></svg>'


async def _pages(client: Client, world: World, language: str = "en") -> list[str]:
    """Of a product, of the checkout and of an order."""
    order = (await world.buy(a_body() | {"currency": "EUR", "shipping": BERLIN})).order
    link = link_to(world.deps, order).removeprefix(world.deps.settings.public_url)
    paths = (f"/products/{SKU}", f"/checkout?{SKU}=1&country=DE", link)
    headers = HTML | {"Accept-Language": language}
    return [await (await client.get(path, headers=headers)).text() for path in paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language in ("en", "de"):
        (tmp_path / f"{language}.svg").write_bytes(DRAWING.replace(b"official", language.encode()))
    return tmp_path


@pytest.fixture
async def eu(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A browser at a shop that sells in the EU; with the Commission's files where a test asks for `folder`."""
    given = request.getfixturevalue("folder") if "folder" in request.fixturenames else None
    changes = {"sells_in_eu": True, "guarantee_notice_dir": given}
    world.deps = replace(world.deps, settings=world.deps.settings.model_copy(update=changes))
    async with TestClient(TestServer(build_app(world.deps)), cookie_jar=DummyCookieJar()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("language", "spoken", "title"),
    [("en", "en", "Legal guarantee"), ("de", "de", "Gesetzliche Gewährleistung"), ("ja", "en", "Legal guarantee")],
)
async def test_it_stands_on_product_checkout_and_order_in_the_readers_language_if_the_eu_speaks_it(
    eu: Client, world: World, language: str, spoken: str, title: str
) -> None:
    for page in await _pages(eu, world, language):
        assert f'<section class="guarantee" lang="{spoken}" aria-labelledby="guarantee">' in page
        assert f'<h2 id="guarantee">{title}</h2>' in page
        assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("language", ["en", "de"])
async def test_all_of_its_wording_is_there_with_a_code_and_a_link_to_your_europe(
    eu: Client, world: World, language: str
) -> None:
    page = (await _pages(eu, world, language))[0]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    notice = notice_in(language)

    for value in notice.words.values():
        for part in [value] if isinstance(value, str) else value:
            assert part.replace("|", "") in text
    assert f'<a href="{notice.url}" rel="noreferrer">' in page
    assert notice.code in page


@pytest.mark.parametrize(
    ("language", "url"),
    [("en", "https://europa.eu/youreurope/guarantees"), ("de", "https://europa.eu/youreurope/garantien")],
)
def test_the_code_leads_to_your_europe(language: str, url: str) -> None:
    import segno

    notice = notice_in(language)
    drawn = segno.make(url, error="m", micro=False)

    assert notice.url == url
    assert f'viewBox="0 0 {drawn.symbol_size()[0]} {drawn.symbol_size()[1]}"' in notice.code
    assert 'd="' + drawn.svg_inline(light="#fff").split('d="')[-1].split('"')[0] + '"' in notice.code


async def test_a_shop_that_does_not_sell_there_says_nothing_of_it(client: Client, world: World) -> None:
    assert not any("uarantee" in page or "/withdrawal" in page for page in await _pages(client, world))


async def test_the_commissions_own_drawing_is_shown_where_the_shop_has_it(
    eu: Client, world: World, folder: Path
) -> None:
    for page in await _pages(eu, world, "de"):
        assert '<img src="/products/guarantee/de.svg"' in page
        assert "Verkäufer haften" in page

    drawing = await eu.get("/products/guarantee/de.svg")

    assert (drawing.content_type, await drawing.read()) == ("image/svg+xml", (folder / "de.svg").read_bytes())
    assert "sandbox" in drawing.headers["Content-Security-Policy"]
    assert (await eu.get("/products/guarantee/ja.svg")).status == 404


async def test_without_its_files_no_drawing_is_claimed(eu: Client, world: World) -> None:
    assert not any("/products/guarantee/" in page for page in await _pages(eu, world))
    assert (await eu.get("/products/guarantee/en.svg")).status == 404


@pytest.mark.parametrize("damage", ["gone", "a picture", "too long"])
def test_a_folder_that_is_not_whole_is_refused_at_the_start(folder: Path, damage: str) -> None:
    path = folder / "de.svg"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"a picture": b"\x89PNG", "too long": DRAWING + b" " * 1_000_000}[damage])

    with pytest.raises(ValueError, match=r"de\.svg"):
        official_files(folder)


def test_settings_name_the_folder_that_is_not_whole(tmp_path: Path, world: World) -> None:
    with pytest.raises(ValidationError, match="guarantee_notice_dir"):
        Settings.model_validate(world.deps.settings.model_dump() | {"guarantee_notice_dir": tmp_path})
