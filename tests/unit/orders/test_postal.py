"""A blocked place stays blocked however it is spelled, and its neighbours stay free."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.persons import ShippingAddress
from services.orders.screening.postal import postal_form

BERLIN = {"city": "Berlin", "postcode": "10117", "country": "DE"}
BOSTON = {"city": "Boston", "region": "MA", "postcode": "02110", "country": "US"}
TOKYO = {"city": "渋谷区", "region": "東京都", "postcode": "150-0001", "country": "JP"}

WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
WAYS = {
    "as it is": lambda line: line,
    "upper case": str.upper,
    "lower case": str.lower,
    "full width": lambda line: line.translate(WIDE),
    "decomposed": lambda line: unicodedata.normalize("NFD", line),
    "two spaces": lambda line: line.replace(" ", "  "),
    "a wide space": lambda line: line.replace(" ", "\u3000"),
    "commas": lambda line: line.replace(" ", ", "),
    "dots": lambda line: line.replace(" ", "."),
    "a dash": lambda line: line.replace(" ", "-"),
    "a dot behind": lambda line: f"{line}.",
}
STREETS = {
    "Lindenstraße": ("Lindenstrasse", "Lindenstr.", "Linden Straße", "Linden-Str.", "LINDENSTRASSE"),
    "Große Müllerstraße": ("Grosse Muellerstr.", "Große Mullerstrasse", "Grosse Müller Straße"),
    "Alexanderplatz": ("Alexander Platz", "Alexanderpl.", "Alexander Pl."),
    "North Main Street": ("N. Main St.", "Main Street North", "n main st"),
    "Saint James Avenue": ("St. James Ave.", "St James Av"),
}


def form(line1: str, line2: str | None = None, /, **place: Any) -> str:
    return postal_form(ShippingAddress(line1=line1, line2=line2, **(place or BERLIN)))


@st.composite
def _spelled(draw: st.DrawFn) -> tuple[str, str]:
    """A street with its number, and another way to write both."""
    street = draw(st.sampled_from(sorted(STREETS)))
    number = f"{draw(st.integers(1, 999))}{draw(st.sampled_from(['', 'a', ' b']))}"
    other = draw(st.sampled_from([street, *STREETS[street]]))
    order = draw(st.sampled_from(["{0} {1}", "{1} {0}", "{1}, {0}", "{0} No. {1}", "{0} Nr. {1}"]))
    return f"{street} {number}", WAYS[draw(st.sampled_from(sorted(WAYS)))](order.format(other, number))


@given(_spelled())
def test_another_spelling_is_the_same_place(pair: tuple[str, str]) -> None:
    assert form(pair[0]) == form(pair[1])


@given(_spelled(), st.sampled_from(["Apt 4", "apartment 4", "#4", "Flat 4", "Unit 04"]))
def test_a_flat_is_the_same_in_whichever_line_it_stands(pair: tuple[str, str], flat: str) -> None:
    kept = form(pair[0], "Apt 4")

    assert kept == form(pair[1], flat) == form(flat, pair[1]) == form(f"{pair[1]} {flat}") == form(f"{flat}, {pair[1]}")


@given(st.sampled_from(sorted(STREETS)), st.integers(1, 999), st.integers(1, 999))
def test_another_number_is_another_place(street: str, one: int, other: int) -> None:
    assert (form(f"{street} {one}") == form(f"{street} {other}")) is (one == other)


@given(_spelled(), st.sampled_from(["c/o Nobody", "C/O Ann Example", "care of X", "Attn: Ann", "z. Hd. Frau Müller"]))
def test_whoever_is_asked_for_it_is_the_same_place(pair: tuple[str, str], asked: str) -> None:
    kept = form(pair[0])

    assert kept == form(pair[1], asked) == form(asked, pair[1]) == form(f"{asked}, {pair[0]}")
    assert kept == form(f"{pair[0]} {asked}") == form(pair[0], f"Ｃ／Ｏ {asked}")


def test_a_street_behind_the_person_asked_for_counts() -> None:
    assert form("c/o Ann, Hauptstr. 1") == form("Hauptstr. 1")
    assert len({form("c/o Ann Hauptstr. 1"), form("c/o Ann Hauptstr. 2"), form("c/o Ann Lindenweg 1")}) == 3
    assert form("c/o Ann") != form("c/o Bob")
    assert form("Co Street 1") != form("Street 1")
    assert form("山田様方", "神宮前1-2-3", **TOKYO) == form("神宮前1-2-3", **TOKYO)


@given(st.text(min_size=1, max_size=100), st.text(max_size=40))
def test_every_text_has_a_form_that_is_the_same_again(line1: str, line2: str) -> None:
    address = ShippingAddress.model_construct(line1=line1, line2=line2, **BERLIN)  # type: ignore[arg-type]

    assert postal_form(address) == postal_form(address.model_copy(update={"line1": line2, "line2": line1}))


@pytest.mark.parametrize(
    "line",
    ["神宮前１－２－３", "神宮前1丁目2番3号", "神宮前一丁目二番三号", "神宮前1ー2ー3", "神宮前1の2の3", "神宮前 1-2-3"],
)
def test_a_japanese_address_is_one_however_its_numbers_are_written(line: str) -> None:
    assert form(line, **TOKYO) == form("神宮前1-2-3", **TOKYO)


@pytest.mark.parametrize(
    "line", ["神宮前3-2-1", "神宮前1-2-4", "神宮前12-3", "千駄ヶ谷1-2-3", "神宮前1-23", "神宮前十一丁目2番3号"]
)
def test_a_japanese_neighbour_is_another(line: str) -> None:
    assert form(line, **TOKYO) != form("神宮前1-2-3", **TOKYO)


@pytest.mark.parametrize(
    "line",
    ["12 Main Street", "12 Maine Road", "120 Main Road", "12 Main Road Apt 1", "1 Main Road Apt 2", "12b Main Road"],
)
def test_a_neighbour_is_another(line: str) -> None:
    assert form(line, **BOSTON) != form("12 Main Road", **BOSTON)
