"""Staff import and change the catalogue: the good rows are taken, the others named with row, field and reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.orders.catalogue.domain import ProductNotFound
from services.orders.catalogue.watches import WATCHES
from services.orders.service import SERVICE
from services.orders.stock.store import NotCounted, TooFew
from shared.cli import build_parser
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import LAST_FIVE, SKU, World, a_body

EXAMPLE = Path("docs/examples/products.csv")
GOOD = "TF-NEW-01,New,Fine.,9900,24,120"
HEAD = "sku,name_en,description_en,price_JPY,warranty_months,weight_g"


async def _run(world: World, *words: str) -> int:
    arguments = build_parser(SERVICE).parse_args(["products", *words])
    [command] = [command for command in SERVICE.commands if command.name == "products"]
    return await command.run(world.deps, arguments)


def _a_row(**changes: Any) -> dict[str, Any]:
    return {
        "sku": "TF-NEW-01",
        "names": {"en": "New"},
        "descriptions": {"en": "Fine."},
        "prices": {"JPY": 9_900},
        "warranty_months": 24,
        "weight_g": 120,
    } | changes


async def _import(world: World, tmp_path: Path, text: str | bytes, *, kind: str = "csv", dry: bool = False) -> int:
    file = tmp_path / f"products.{kind}"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return await _run(world, "import", str(file), *(["--dry-run"] if dry else []))


async def test_the_example_is_taken_and_sold(world: World, client: Client) -> None:
    assert await _run(world, "import", str(EXAMPLE)) == 0

    moon = await (await client.get("/api/orders/products/TF-TSUKI-12")).json()
    assert moon["names"] == {"en": "Tsuki Phase", "ja": "ツキ フェーズ"}
    assert (moon["prices"], moon["stock"]) == ({"JPY": 22_400, "USD": 15_400}, 40)
    await world.buy(a_body("TF-HANABI-11", currency="GBP"))
    assert await world.left("TF-HANABI-11") == 199


async def test_a_dry_run_changes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _run(world, "import", str(EXAMPLE), "--dry-run") == 0

    assert capsys.readouterr().out == "2 would be taken, 0 refused\n"
    assert len(await world.deps.products.offers()) == len(WATCHES)


async def test_what_is_there_is_described_anew_and_its_stock_stays(world: World, tmp_path: Path) -> None:
    row = _a_row(sku=LAST_FIVE, stock=900)

    assert await _import(world, tmp_path, json.dumps([row]), kind="json") == 0

    [offer] = [each for each in await world.deps.products.offers() if each.product.sku == LAST_FIVE]
    assert (offer.product.prices, offer.stock) == ({"JPY": 9_900}, 5)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("tf-new,New,Fine.,9900,24,120", "sku"),
        (",New,Fine.,9900,24,120", "sku"),
        ("TF-NEW-02,,Fine.,9900,24,120", "name_en"),
        (f"TF-NEW-02,{'x' * 81},Fine.,9900,24,120", "name_en"),
        ("TF-NEW-02,Ne\x07w,Fine.,9900,24,120", "name_en"),
        ("TF-NEW-02,New,,9900,24,120", "description_en"),
        ("TF-NEW-02,New,Fine.,99.00,24,120", "price_JPY"),
        ("TF-NEW-02,New,Fine.,0,24,120", "price_JPY"),
        ("TF-NEW-02,New,Fine.,-1,24,120", "price_JPY"),
        ("TF-NEW-02,New,Fine.,９９,24,120", "price_JPY"),
        (f"TF-NEW-02,New,Fine.,{2**63},24,120", "price_JPY"),
        ("TF-NEW-02,New,Fine.,,24,120", "prices"),
        ("TF-NEW-02,New,Fine.,9900,two,120", "warranty_months"),
        ("TF-NEW-02,New,Fine.,9900,24,0", "weight_g"),
        ("TF-NEW-02,New,Fine.,9900,24", "weight_g"),
        ("TF-NEW-02,New,Fine.,9900,24,120,more", "row"),
        ("TF-NEW-01,Again,Fine.,9900,24,120", "sku"),
    ],
)
async def test_a_bad_row_is_refused_and_the_others_are_taken(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, field: str
) -> None:
    text = "\r\n".join([HEAD, GOOD, "", row, "TF-NEW-09,Nine,Fine.,9900,24,120"])

    assert await _import(world, tmp_path, text) == 1

    told = capsys.readouterr()
    assert told.out == "2 taken, 1 refused\n"
    [line] = told.err.splitlines()
    assert line.startswith(f"row 4: {field}: ")
    skus = {offer.product.sku for offer in await world.deps.products.offers()}
    assert skus - {watch.product.sku for watch in WATCHES} == {"TF-NEW-01", "TF-NEW-09"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prices": {"CHF": 9_900}}, "prices.CHF"),
        ({"prices": {"JPY": 99.0}}, "prices.JPY"),
        ({"prices": {"JPY": "9900"}}, "prices.JPY"),
        ({"names": {"ja": "新"}}, "names.en"),
        ({"names": {"en": "New", "fr": "Neuf"}}, "names.fr"),
        ({"stock": -1}, "stock"),
        ({"retired": "yes"}, "retired"),
        ({"price": 1}, "price"),
    ],
)
async def test_a_bad_item_is_refused_by_its_field(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], field: str
) -> None:
    text = json.dumps([_a_row(), _a_row(sku="TF-NEW-02") | changes, 7])

    assert await _import(world, tmp_path, text, kind="json") == 1

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"row 2: {field}: ")
    assert second.startswith("row 3: product: ")


async def test_a_cell_of_any_length_is_refused_with_its_row_alone(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = GOOD.replace("Fine.", "x" * 200_000).replace("TF-NEW-01", "TF-NEW-02")

    assert await _import(world, tmp_path, "\n".join([HEAD, long, GOOD])) == 1

    told = capsys.readouterr()
    assert told.err.startswith("row 2: description_en: ")
    assert told.out == "1 taken, 1 refused\n"


async def test_nothing_of_a_file_commands_the_terminal(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b[2J\nrow 9"

    assert await _import(world, tmp_path, json.dumps([_a_row() | {hostile: 1}]), kind="json") == 1
    assert await _import(world, tmp_path, "sku,\x1b[2J\nA,B") == 2

    told = capsys.readouterr().err
    assert told.startswith("row 1: \\x1b[2J\\nrow 9: ")
    assert "\x1b" not in told
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("csv", "", "is empty"),
        ("csv", "name_en\nNew", "the column sku"),
        ("csv", "sku,sku\nA,B", "each column once"),
        ("csv", "sku;name_en\nA;B", "columns that are not known"),
        ("csv", 'sku\n"TF', "is not CSV"),
        ("csv", b"sku\n\xff", "is not UTF-8"),
        ("json", "{", "is not JSON"),
        ("json", "[" * 100_000, "is not JSON"),
        ("json", "{}", "is not a list"),
        ("xml", "<a/>", "say --format"),
    ],
)
async def test_a_file_that_cannot_be_read_changes_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, text: str | bytes, reason: str
) -> None:
    assert await _import(world, tmp_path, text, kind=kind) == 2

    assert reason in capsys.readouterr().err
    assert len(await world.deps.products.offers()) == len(WATCHES)


async def test_no_such_file(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _run(world, "import", str(tmp_path / "none.csv")) == 2
    assert "No such file" in capsys.readouterr().err


async def test_what_show_prints_can_be_imported(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await world.deps.products.offers()
    await _run(world, "show", SKU)
    shown = capsys.readouterr().out

    assert await _import(world, tmp_path, f"\ufeff[{shown}]", kind="json") == 0

    assert await world.deps.products.offers() == before


async def test_single_fields_are_set_and_taken_away(world: World) -> None:
    assert await _run(world, "set", SKU, "price_JPY=15800", "price_GBP=", "name_de=Umlauf = rund") == 0

    [offer] = [each for each in await world.deps.products.offers() if each.product.sku == SKU]
    assert offer.product.prices == {"JPY": 15_800, "USD": 9_900, "EUR": 9_200}
    assert offer.product.names == {"en": "Kisai Orbit", "ja": "キサイ オービット", "de": "Umlauf = rund"}
    assert offer.stock == 100_000


@pytest.mark.parametrize(
    "field",
    [
        "price_JPY=1.5",
        "name_en=",
        "weight_g=x",
        "stock=5",
        "sku=TF-B",
        "colour=red",
        "retired=true",
        "price_JPY=-1",
        "price_JPY",
    ],
)
async def test_what_cannot_be_set_changes_nothing(world: World, capsys: pytest.CaptureFixture[str], field: str) -> None:
    before = await world.deps.products.offers()

    assert await _run(world, "set", SKU, "price_USD=1", field) == 1

    assert capsys.readouterr().err.startswith(field.partition("=")[0])
    assert await world.deps.products.offers() == before


async def test_stock_is_counted_up_and_down_and_anew(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for change in ("+3", "-6", "=17"):
        await _run(world, "stock", LAST_FIVE, change)

    assert capsys.readouterr().out.split() == [LAST_FIVE, "8", LAST_FIVE, "2", LAST_FIVE, "17"]


async def test_stock_never_goes_below_zero(world: World) -> None:
    with pytest.raises(TooFew):
        await _run(world, "stock", LAST_FIVE, "-6")
    with pytest.raises(NotCounted):
        await _run(world, "stock", "TF-NONE-00", "+1")

    assert await world.left(LAST_FIVE) == 5


@pytest.mark.parametrize("change", ["5", "+", "=-1", "+1.5", "+9999999", "+５"])
async def test_a_change_of_stock_has_a_sign_and_a_number(world: World, change: str) -> None:
    with pytest.raises(SystemExit):
        await _run(world, "stock", LAST_FIVE, change)


async def test_a_retired_product_is_listed_as_that_and_comes_back_by_import(
    world: World, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    await _run(world, "import", str(EXAMPLE))
    await _run(world, "retire", "TF-HANABI-11")
    gone = await client.get("/api/orders/products/TF-HANABI-11")
    await _run(world, "list")
    listed = capsys.readouterr().out
    await _run(world, "import", str(EXAMPLE))

    assert gone.status == 404
    assert "TF-HANABI-11\tretired\t200\tJPY=17200 USD=11800 EUR=10900 GBP=9400\tHanabi Burst" in listed
    assert (await client.get("/api/orders/products/TF-HANABI-11")).status == 200


@pytest.mark.parametrize("words", [["show"], ["retire"]])
async def test_no_such_product(world: World, words: list[str]) -> None:
    with pytest.raises(ProductNotFound):
        await _run(world, *words, "TF-NONE-00")
