from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import bson
import pytest

from bench.scaling.copies import Copies, leaves
from shared.ids import new_id

AT = datetime(2026, 11, 1, tzinfo=UTC)


def model(number: int) -> dict[str, Any]:
    return {
        "_id": new_id(), "status": "paid", "number": f"7F3K-Q2X{'ABCDEFGH'[number]}", "account_id": new_id(),
        "created_at": AT + timedelta(minutes=number), "total_minor": 20600, "box": bytes([number]) * 60,
        "lines": [{"sku": "TF-1", "is_gift": False, "note": None, "rate": 0.1}],
    }  # fmt: skip


@pytest.fixture
def made() -> list[dict[str, Any]]:
    copies = Copies([model(number) for number in range(8)], pooled={"account_id": 5}, every_s=60)
    return [bson.decode(copies.make(number, of=1_000)) for number in range(1_000)]


def test_copies_are_as_long_and_differ_in_what_differs(made: list[dict[str, Any]]) -> None:
    assert {len(bson.encode(each)) for each in made} == {len(bson.encode(model(0)))}
    assert len({each["_id"] for each in made}) == len({each["number"] for each in made}) == 1_000
    assert len({bytes(each["box"]) for each in made}) == 1_000
    assert all(each["number"][4] == "-" for each in made)


def test_what_all_models_share_stays(made: list[dict[str, Any]]) -> None:
    line = {"sku": "TF-1", "is_gift": False, "note": None, "rate": 0.1}

    assert all((each["status"], each["total_minor"], each["lines"]) == ("paid", 20600, [line]) for each in made)


def test_a_fifth_as_many_accounts_have_bought(made: list[dict[str, Any]]) -> None:
    assert len({each["account_id"] for each in made}) == 200


def test_later_copies_have_later_ids_and_times(made: list[dict[str, Any]]) -> None:
    same_model = made[::8]

    assert sorted(each["_id"][:13] for each in made) == [each["_id"][:13] for each in made]
    assert all(a["created_at"] < b["created_at"] for a, b in pairwise(same_model))


def test_every_value_is_found_where_it_is() -> None:
    document = {"a": "x", "b": {"c": b"yz", "d": [1, "w"]}, "e": 5, "f": True}
    encoded = bson.encode(document)

    found = {leaf.path: encoded[leaf.at : leaf.at + leaf.size] for leaf in leaves(encoded)}

    assert found == {"a": b"x", "b.c": b"yz", "b.d.1": b"w"}
