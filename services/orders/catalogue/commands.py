"""`python -m services.orders products ...`: what staff change in the catalogue. The shop shows it within a second."""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.orders.catalogue.domain import Offer, ProductNotFound
from services.orders.catalogue.files import BadFile, Row, read_products
from services.orders.catalogue.rows import COLUMNS, MOST_STOCK, ProductRow, nested, read_row
from services.orders.deps import Deps
from shared.service import USAGE_ERROR, Command

_CHANGE = re.compile(r"([+=-])([0-9]{1,7})")
_NOT_SET = frozenset({"sku", "stock", "retired"})


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    taking = actions.add_parser("import", help="add products, or describe them anew; their stock stays")
    taking.add_argument("file", type=Path, help="one product a row")
    taking.add_argument("--format", choices=["csv", "json"], default="", help="else by the file's name")
    taking.add_argument("--dry-run", action="store_true", help="only say what is wrong")
    actions.add_parser("list", help="every product, retired ones too")
    show = actions.add_parser("show", help="one product as JSON, in the form that import takes")
    setting = actions.add_parser("set", help="change what is said of a product")
    counting = actions.add_parser("stock", help="how many are free to be sold")
    retire = actions.add_parser("retire", help="list and sell it no more; `import` brings it back")
    for one in (show, setting, counting, retire):
        one.add_argument("sku")
    setting.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help="a column of CSV; empty takes it away")
    counting.add_argument("change", type=_change, help="+N came in, -N are gone, =N were counted beside those held")


def _change(text: str) -> tuple[str, int]:
    found = _CHANGE.fullmatch(text)
    if found is None or int(found[2]) > MOST_STOCK:
        raise argparse.ArgumentTypeError(f"must be +N, -N or =N, at most {MOST_STOCK}")
    return found[1], int(found[2])


async def products(deps: Deps, arguments: argparse.Namespace) -> int:
    """Do as asked; 0 where all of it was done, 1 where something was refused, 2 where the file cannot be read."""
    match arguments.action:
        case "import":
            return await _import(deps, arguments)
        case "list":
            return await _list(deps)
        case "show":
            return _print(json.dumps(_shown(await _offer(deps, arguments.sku)), ensure_ascii=False, indent=2))
        case "set":
            return await _set(deps, arguments.sku, arguments.fields)
        case "stock":
            return await _stock(deps, arguments.sku, *arguments.change)
        case _:
            return await _retire(deps, arguments.sku)


async def _import(deps: Deps, arguments: argparse.Namespace) -> int:
    try:
        rows = read_products(arguments.file, kind=arguments.format)
    except BadFile as bad:
        _refuse(f"{arguments.file}: {bad}")
        return USAGE_ERROR
    good = [row.product for row in rows if row.product is not None]
    for row in rows:
        _refuse(*_told(row))
    if not arguments.dry_run:
        for product in good:
            await deps.products.put(product.product(), stock=product.stock)
    _print(f"{len(good)} {'would be taken' if arguments.dry_run else 'taken'}, {len(rows) - len(good)} refused")
    return 0 if len(good) == len(rows) else 1


def _told(row: Row) -> list[str]:
    return [f"row {row.number}: {fault.field}: {fault.reason}" for fault in row.faults]


async def _list(deps: Deps) -> int:
    for offer in await deps.products.offers():
        product = offer.product
        state = "retired" if product.is_retired else "on sale"
        prices = " ".join(f"{currency}={minor}" for currency, minor in product.prices.items())
        _print("\t".join([product.sku, state, str(offer.stock), prices, product.name("en")]))
    return 0


async def _offer(deps: Deps, sku: str) -> Offer:
    for offer in await deps.products.offers():
        if offer.product.sku == sku:
            return offer
    raise ProductNotFound


def _shown(offer: Offer) -> dict[str, Any]:
    product = offer.product
    return {
        "sku": product.sku,
        "names": dict(product.names),
        "descriptions": dict(product.descriptions),
        "prices": dict(product.prices),
        "warranty_months": product.warranty_months,
        "weight_g": product.weight_g,
        "stock": max(0, offer.stock),
        "retired": product.is_retired,
    }


async def _set(deps: Deps, sku: str, fields: list[str]) -> int:
    if unsaid := [field for field in fields if "=" not in field]:
        return _refuse(*(f"{name}: say {name}=VALUE; {name}= takes it away" for name in unsaid))
    cells = dict(field.partition("=")[::2] for field in fields)
    if unknown := [name for name in cells if name not in COLUMNS.keys() - _NOT_SET]:
        return _refuse(*(f"{name}: cannot be set" for name in unknown))
    offer = await _offer(deps, sku)
    read = read_row(nested(_cells_of(_shown(offer)) | cells), by_column=True)
    if not isinstance(read, ProductRow):
        return _refuse(*(f"{fault.field}: {fault.reason}" for fault in read))
    await deps.products.put(read.product(), stock=0)
    return 0


def _cells_of(shown: Mapping[str, Any]) -> dict[str, str]:
    """What is said of a product, as a row of CSV; of its stock nothing, for that stays."""
    cells: dict[str, str] = {}
    for column, path in COLUMNS.items():
        if column == "stock":
            continue
        value: Any = shown
        for part in path:
            value = value.get(part, "")
        cells[column] = str(value)
    return cells


async def _stock(deps: Deps, sku: str, sign: str, count: int) -> int:
    if sign == "=":
        left = await deps.stock.recount(sku, count)
    else:
        left = await deps.stock.adjust(sku, count if sign == "+" else -count)
    return _print(f"{sku}\t{left}")


async def _retire(deps: Deps, sku: str) -> int:
    product = (await _offer(deps, sku)).product
    await deps.products.put(replace(product, is_retired=True), stock=0)
    return 0


def _print(line: str) -> int:
    sys.stdout.write(f"{line}\n")
    return 0


def _refuse(*reasons: str) -> int:
    """Nothing of a file reaches the terminal as a command to it."""
    sys.stderr.writelines(f"{''.join(map(_shown_sign, reason))}\n" for reason in reasons)
    return 1


def _shown_sign(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


COMMAND = Command("products", "import and change the catalogue", add_arguments=_add_arguments, run=products)
