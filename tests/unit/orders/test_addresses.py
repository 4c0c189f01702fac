"""Addresses by each country's own form: what is surely wrong is refused, and the field named."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.orders.addressforms import ANY_FORM, form_of
from services.orders.checkout.shipping import countries
from services.orders.pages.addresses import postal_lines
from services.orders.persons import ShippingAddress
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import a_body


def an_address(country: str, postcode: str | None = None, **more: Any) -> dict[str, Any]:
    address = {"line1": "1 Main Street", "city": "Somewhere", "country": country} | more
    return address if postcode is None else address | {"postcode": postcode}


@pytest.mark.parametrize(
    "address",
    [
        an_address("JP", "150-0001"),
        an_address("JP", "1500001", region="Tokyo"),
        an_address("JP", "〒１５０-０００１", region="東京都"),
        an_address("JP", "540-0008", region="Osaka Prefecture"),
        an_address("US", "95014"),
        an_address("US", "95014-1234", region="ca"),
        an_address("US", "95014", region="California"),
        an_address("CA", "h3z 2y7", region="Québec"),
        an_address("DE", "10115"),
        an_address("GB", "ec1y 8sy"),
        an_address("GB", "EC1Y 8SY", region="Greater London"),
        an_address("HK", region="Kowloon"),
        an_address("AE", region="Dubai"),
        an_address("IE"),
        an_address("IT", "20121", region="Lombardia"),
        an_address("RU", "101000", region="Moscow"),
        an_address("AQ"),
    ],
    ids=str,
)
def test_what_can_be_delivered_is_taken(address: dict[str, Any]) -> None:
    assert ShippingAddress.model_validate(address).country == address["country"]


@pytest.mark.parametrize(
    ("address", "field", "code"),
    [
        (an_address("JP", "15-0001"), "postcode", "invalid-postcode"),
        (an_address("JP", "10115"), "postcode", "invalid-postcode"),
        (an_address("JP"), "postcode", "postcode-required"),
        (an_address("JP", ""), "postcode", "postcode-required"),
        (an_address("JP", "150-0001", region="Bavaria"), "region", "unknown-region"),
        (an_address("US", "9501"), "postcode", "invalid-postcode"),
        (an_address("US", "95014", region="XX"), "region", "unknown-region"),
        (an_address("CA", "D3Z 2Y7"), "postcode", "invalid-postcode"),
        (an_address("DE", "1011"), "postcode", "invalid-postcode"),
        (an_address("GB", "95014"), "postcode", "invalid-postcode"),
        (an_address("HK"), "region", "region-required"),
        (an_address("AE", region="Kowloon"), "region", "unknown-region"),
    ],
    ids=str,
)
def test_what_is_surely_wrong_is_refused(address: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ShippingAddress.model_validate(address)

    assert [(error["loc"], error["type"]) for error in refusal.value.errors()] == [((field,), code)]


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("US", "california", "CA"),
        ("US", "Ca", "CA"),
        ("US", "N.Y.", "NY"),
        ("US", "Washington", "WA"),
        ("US", "Washington, D.C.", "DC"),
        ("CA", " QUÉBEC ", "QC"),
        ("JP", "Tokyo-to", "東京都"),
        ("JP", "東京", "東京都"),
        ("JP", "京都", "京都府"),
        ("JP", "神奈川", "神奈川県"),
        ("IE", "Dublin", "Co. Dublin"),
        ("IE", "County Cork", "Co. Cork"),
        ("CN", "北京", "北京市"),
        ("CN", "Guangdong", "广东省"),
        ("TW", "Taipei", "台北市"),
        ("TW", "臺北市", "台北市"),
        ("TW", "Hsinchu County", "新竹縣"),
        ("TW", "Hsinchu", "Hsinchu"),  # the city or the county
        ("KR", "Gyeonggi", "경기도"),
    ],
)
def test_a_region_is_kept_in_one_spelling(country: str, typed: str, kept: str) -> None:
    assert form_of(country).region(typed) == kept


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("LV", "1010", "LV-1010"),
        ("LU", "L-1009", "1009"),
        ("LT", "LT-01001", "01001"),
        ("DK", "DK-2100", "2100"),
        ("DE", "D 10117", "10117"),
        ("PL", "00950", "00-950"),
        ("PT", "1000205", "1000-205"),
        ("US", "CA 94107", "94107"),
        ("JP", "150 0001", "1500001"),
        ("CA", "H3Z2Y7", "H3Z2Y7"),
        ("KY", "1234", None),
        ("DK", "DK-210", None),
    ],
)
def test_a_postcode_may_have_the_country_before_it_and_what_is_between_its_digits_left_out(
    country: str, typed: str, kept: str | None
) -> None:
    assert form_of(country).postcode(typed) == kept


def test_every_country_of_the_shop_has_a_form() -> None:
    unknown = [country for country in countries() if form_of(country) is ANY_FORM]

    assert len(countries()) - len(unknown) > 235
    assert not set(unknown) & {"JP", "US", "GB", "DE", "FR", "CN", "KR", "AU"}


async def test_the_checkout_names_the_field(client: Client) -> None:
    body = a_body(shipping=an_address("DE", "123"))

    response = await client.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

    [error] = (await response.json())["errors"]
    assert (response.status, error["pointer"], error["code"]) == (422, "/shipping/postcode", "invalid-postcode")
    assert "123" not in error["detail"].replace(form_of("DE").example, "")


async def test_an_unknown_country_is_the_one_fault(client: Client) -> None:
    body = a_body(shipping=an_address("XX", "123"))

    response = await client.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

    assert [error["pointer"] for error in (await response.json())["errors"]] == ["/shipping/country"]


@pytest.mark.parametrize(
    ("changes", "language", "lines"),
    [
        ({}, "en", ["1-2-3 Jingumae", "150-0001 Shibuya", "東京都", "Japan"]),
        ({"country": "DE", "postcode": "10117", "city": "Berlin", "region": None}, "de",
         ["1-2-3 Jingumae", "10117 Berlin", "Deutschland"]),
        ({"country": "US", "postcode": "94107", "city": "San Francisco", "region": "CA", "line2": "Suite 4"}, "ja",
         ["1-2-3 Jingumae", "Suite 4", "San Francisco, CA 94107", "アメリカ合衆国"]),
        ({"country": "HK", "postcode": "", "city": "Mong Kok", "region": "Kowloon"}, "en",
         ["1-2-3 Jingumae", "Mong Kok", "Kowloon", "Hong Kong SAR China"]),
    ],
)  # fmt: skip
def test_an_address_is_written_as_on_an_envelope(
    changes: dict[str, str | None], language: str, lines: list[str]
) -> None:
    address = {
        "line1": "1-2-3 Jingumae",
        "city": "Shibuya",
        "region": "東京都",
        "postcode": "150-0001",
        "country": "JP",
    }

    assert postal_lines(ShippingAddress.model_validate(address | changes), language) == lines
