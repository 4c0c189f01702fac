"""What is sent to us: strict, bounded, and refused field by field."""

import asyncio
import gzip
import json
from typing import Annotated

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import Field, ValidationError

from shared.errors import InvalidInput
from shared.http.intake import Form
from shared.http.problems import invalid_input
from shared.http.routes import Call, RequestModel
from tests.unit.shared.shop import OrderRequest

GOOD = {"lines": [{"sku": "TF-1", "quantity": 2}]}
JSON = {"Content-Type": "application/json"}


async def post(client, body, headers=JSON):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await client.post("/api/orders", data=data, headers=headers)
    return response.status, await response.json(content_type=None)


async def refused(client, body):
    status, problem = await post(client, body)
    assert status == 422
    return {error["pointer"]: error["code"] for error in problem["errors"]}


async def test_a_good_body_is_answered_from_the_types(client, shop):
    response = await client.post("/api/orders", json=GOOD)

    assert response.status == 201
    assert await response.json() == {"id": "o-1", "pieces": 2, "at": "2026-11-22T12:00:00Z", "contact": ""}
    assert response.headers["Location"] == "/api/orders/o-1"
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"lines": [{"sku": "TF-1", "quantity": "1"}]}, {"/lines/0/quantity": "int_type"}),
        ({"lines": [{"sku": "TF-1", "quantity": True}]}, {"/lines/0/quantity": "int_type"}),
        ({"lines": [{"sku": "TF-1", "quantity": 1.5}]}, {"/lines/0/quantity": "int_type"}),
        ({"lines": [{"sku": "TF-1", "quantity": 0}]}, {"/lines/0/quantity": "greater_than_equal"}),
        ({"lines": [{"sku": "TF-1", "quantity": 10**30}]}, {"/lines/0/quantity": "less_than_equal"}),
        ({"lines": [{"sku": {"$ne": None}}]}, {"/lines/0/sku": "string_type"}),
        ({"lines": [{"sku": "A"}, {"sku": ""}]}, {"/lines/1/sku": "string_too_short"}),
        ({"lines": []}, {"/lines": "too_short"}),
        ({}, {"/lines": "missing"}),
        ([], {"": "model_type"}),
        (GOOD | {"a/b~c": 1}, {"/a~1b~0c": "extra_forbidden"}),
        (GOOD | {"newsletter": "on"}, {"/newsletter": "bool_type"}),
        (GOOD | {"currency": "XXX"}, {"/currency": "literal_error"}),
    ],
)
async def test_each_wrong_field_is_named(client, shop, body, pointers):
    assert await refused(client, body) == pointers
    assert shop.orders == []


@pytest.mark.parametrize(
    ("escape", "place"),
    [(r"a\u0000b", "sku"), (r"\ud800", "sku"), (r"\udfff\ud83d", "sku"), (r"\uD800", "sku")],
)
async def test_nul_and_lone_surrogates_are_refused_by_field(client, shop, escape, place):
    pointers = await refused(client, b'{"lines": [{"sku": "A"}, {"%s": "%s"}]}' % (place.encode(), escape.encode()))

    assert pointers == {f"/lines/1/{place}": "unfit_text"}
    assert shop.orders == []


async def test_text_that_only_looks_like_an_escape_passes(client, shop):
    status, _ = await post(client, b'{"lines": [{"sku": "A\\\\u0000 NaN \\ud83d\\ude00"}]}')

    assert status == 201
    assert shop.orders[0].lines[0].sku == "A\\u0000 NaN \U0001f600"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"lines": [],}',
        b'{"lines": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"weight_kg": NaN, "lines": [{"sku": "A"}]}',
        b'{"weight_kg": -Infinity, "lines": [{"sku": "A"}]}',
        b"[" * 2000,
        b'{"a":' * 400,
        b'{"lines": [], "x": "\\u0000", "y": ' + b"[" * 1900,
        b'{"lines": ["\x00"]}',
        json.dumps(GOOD).encode("utf-16"),
    ],
)
async def test_what_is_no_json_is_400(client, shop, body):
    status, problem = await post(client, body)

    assert (status, problem["type"]) == (400, "/problems/malformed-body")
    assert shop.orders == []


async def test_a_number_that_overflows_is_no_infinity(client, shop):
    assert await refused(client, b'{"weight_kg": 1e999, "lines": [{"sku": "A"}]}') == {"/weight_kg": "finite_number"}


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/jsonp",
        "",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-8",
        'application/json; charset="',
        'application/json; charset="utf-8',
        "application/json; charset=",
        "application/json, application/json",
        "application/json; version=1",
    ],
)
async def test_only_json_in_utf8_is_taken(client, media_type):
    status, problem = await post(client, GOOD, {"Content-Type": media_type, "Sec-Fetch-Site": "same-origin"})

    assert (status, problem["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"', "application/json;"],
)
async def test_json_in_utf8_is_taken(client, media_type):
    assert (await post(client, GOOD, {"Content-Type": media_type}))[0] == 201


async def test_a_compressed_body_is_not_taken(client):
    status, _ = await post(client, gzip.compress(b" " * 10_000_000), JSON | {"Content-Encoding": "gzip"})

    assert status == 415


@pytest.mark.parametrize("size", [2049, 5000, 300_000])
async def test_a_body_over_the_limit_is_413(client, shop, size):
    status, problem = await post(client, json.dumps(GOOD).encode().ljust(size))

    assert (status, problem["type"]) == (413, "/problems/body-too-large")
    assert shop.orders == []


async def test_a_body_at_the_limit_passes(client):
    assert (await post(client, json.dumps(GOOD).encode().ljust(2048)))[0] == 201


async def test_a_body_of_unknown_length_is_counted_while_it_is_read(client, shop):
    async def chunks():
        for _ in range(100):
            yield b" " * 100

    response = await client.post("/api/orders", data=chunks(), headers=JSON)

    assert response.status == 413


async def test_a_body_that_never_ends_is_408(client, shop, monkeypatch):
    monkeypatch.setattr("shared.http.intake.BODY_TIMEOUT_S", 0.05)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )

    async with asyncio.timeout(5):
        head = await reader.readline()

    writer.close()
    assert b" 408 " in head


async def test_no_value_that_was_sent_comes_back(client):
    secret = "4111111111111111"
    body = {"lines": [{"sku": "x" * 41 + secret, "quantity": secret}], "currency": secret, "contact": secret}

    response = await client.post("/api/orders", json=body)

    assert response.status == 422
    assert secret not in await response.text()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=80) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["lines", "sku", "quantity", "contact", "name"]) | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
async def test_no_body_breaks_the_reader(client, body):
    status, problem = await post(client, body)

    assert status in (201, 400, 422)
    assert status != 422 or problem["errors"]


async def test_query_parameters_are_read_by_their_types(client):
    response = await client.get("/api/orders?limit=5&cursor=abc")

    assert await response.json() == {"limit": 5, "cursor": "abc"}


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=x", "limit", "int_parsing"),
        ("limit=1&limit=2", "limit", "repeated"),
        ("cursor=%00", "cursor", "unfit_text"),
        ("colour=red", "colour", "extra_forbidden"),
    ],
)
async def test_a_wrong_query_parameter_is_named(client, query, name, code):
    response = await client.get(f"/api/orders?{query}")

    assert response.status == 422
    [error] = (await response.json())["errors"]
    assert (error["pointer"], error["code"]) == (name, code)


@pytest.mark.parametrize("part", ["%00", "x" * 201, "a%0Ab", "%E2%80%A8"])
async def test_a_path_that_no_id_can_have_is_404(client, part):
    response = await client.get(f"/api/orders/{part}")

    assert response.status == 404


FORM = {
    "lines.0.sku": "TF-1",
    "lines.0.quantity": "2",
    "contact.name": "Änne",
    "contact.email": "a@b.de",
    "weight_kg": "",
}


async def test_a_form_is_read_into_the_same_model(client, shop):
    response = await client.post("/checkout", data=FORM | {"newsletter": "on"}, allow_redirects=False)

    assert (response.status, response.headers["Location"]) == (303, "/thanks")
    assert "prefs" in response.headers["Set-Cookie"]
    [order] = shop.orders
    assert (order.lines[0].quantity, order.contact.name, order.newsletter, order.weight_kg) == (2, "Änne", True, None)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines.0.quantity": "0"}, "/lines/0/quantity"),
        ({"lines.0.sku": "  "}, "/lines/0/sku"),
        ({"contact.name": "a\x00b"}, "/contact/name"),
        ({"contact": "x"}, "/contact"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_form_names_its_fields_like_the_api(client, shop, changes, pointer):
    response = await client.post("/checkout", data=FORM | changes, allow_redirects=False)

    assert response.status == 422
    assert [error["pointer"] for error in (await response.json())["errors"]] == [pointer]
    assert shop.orders == []


@pytest.mark.parametrize("body", [b"a=%FF", b"a=1&" * 201, b"\xff=1"])
async def test_what_is_no_form_is_400(client, body):
    response = await client.post("/checkout", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert response.status == 400


async def test_a_field_given_twice_is_refused(client):
    response = await client.post("/checkout", data=[("currency", "JPY"), ("currency", "USD")])

    assert (await response.json())["errors"][0]["code"] == "repeated"


async def test_a_multipart_form_is_not_taken(client):
    response = await client.post(
        "/checkout", data=b"--x--", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )

    assert response.status == 415


@given(st.dictionaries(st.text(alphabet="ab.01", max_size=8), st.text(max_size=5), max_size=6))
def test_no_form_breaks_the_reader(values):
    with pytest.raises(InvalidInput) as caught:
        Form(values).parse(OrderRequest)

    assert caught.value.fields


CARD = "5555555555554444"


@pytest.mark.parametrize(
    "body",
    [
        b'{"lines": [{"sku": "A", "sku": "B"}]}',
        b'{"lines": [{"sku": "A"}], "lines": [{"sku": "B"}]}',
        b'{"lines": [{"sku": "A", "s\\u006bu": "B"}]}',
    ],
)
async def test_a_name_that_occurs_twice_is_400(client, shop, body):
    status, problem = await post(client, body)

    assert (status, problem["type"]) == (400, "/problems/malformed-body")
    assert "twice" in problem["detail"]
    assert shop.orders == []


async def test_a_name_may_stand_in_two_objects(client):
    assert (await post(client, b'{"lines": [{"sku": "sku"}, {"sku": "sku"}]}'))[0] == 201


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        (CARD, "/…"),
        ("5555 5555 5555 4444", "/…"),
        ("5555/5555/5555/4444", "/…"),
        ("x" * 65, "/…"),
        ("x" * 64, "/" + "x" * 64),
    ],
)
async def test_what_may_be_no_fields_name_is_left_out_of_the_pointer(client, name, pointer):
    assert await refused(client, GOOD | {name: 1}) == {pointer: "extra_forbidden"}


async def test_only_the_doubtful_part_of_a_pointer_is_left_out(client):
    assert await refused(client, {"lines": [{"sku": "A", CARD: 1}]}) == {"/lines/0/…": "extra_forbidden"}
    assert await refused(client, {"lines": [{"sku": "A", "x" * 65: 1}]}) == {"/lines/0/…": "extra_forbidden"}


async def test_a_name_with_nul_is_left_out_likewise(client):
    assert await refused(client, GOOD | {CARD + "\0": 1}) == {"/…": "unfit_text"}


@pytest.mark.parametrize("query", [f"{CARD}=1", f"{CARD}=1&{CARD}=2", f"{CARD}=%00"])
async def test_a_card_number_as_a_parameters_name_does_not_come_back(client, query):
    response = await client.get(f"/api/orders?{query}")

    assert response.status == 422
    assert CARD not in await response.text()


@pytest.mark.parametrize("body", [f"{CARD}=1", f"{CARD}=1&{CARD}=2", f"{CARD}=%00", f"contact.{CARD}=1"])
async def test_a_card_number_as_a_form_fields_name_does_not_come_back(client, body):
    response = await client.post("/checkout", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert response.status == 422
    assert CARD not in await response.text()


@pytest.mark.parametrize("limit", ["1_0", "%2B10", "%2010", "10.0", "%EF%BC%91%EF%BC%90", "0x10", "1e1"])
async def test_a_number_in_a_query_is_decimal_digits(client, limit):
    response = await client.get(f"/api/orders?limit={limit}")

    assert response.status == 422
    [error] = (await response.json())["errors"]
    assert (error["pointer"], error["code"]) == ("limit", "int_parsing")


@pytest.mark.parametrize("quantity", ["1_0", "+1", " 1", "1.0", "\uff11"])
async def test_a_number_in_a_form_is_decimal_digits(client, shop, quantity):
    response = await client.post("/checkout", data=FORM | {"lines.0.quantity": quantity}, allow_redirects=False)

    assert response.status == 422
    [error] = (await response.json())["errors"]
    assert (error["pointer"], error["code"]) == ("/lines/0/quantity", "int_parsing")
    assert shop.orders == []


def test_what_looks_like_a_card_number_is_not_shown_again():
    typed = {"name": f"Ann {CARD}", "city": "5555-5555-5555-4445", "line1": "1-2-3 Jingumae", "postcode": "150-0001"}

    assert Form(typed).shown == {"line1": "1-2-3 Jingumae", "postcode": "150-0001"}


async def test_every_line_of_a_header_is_there():
    request = make_mocked_request("GET", "/", headers=CIMultiDict([("X-Key", "1"), ("X-Key", "2")]))
    call = Call(request, None, None, None)

    assert call.headers("X-Key") == ["1", "2"]
    assert call.headers("X-Other") == []


@pytest.mark.parametrize("field", ["email", "contact.email"])
def test_what_is_no_address_is_not_shown_again_in_the_field_of_one(field: str):
    shown = [Form({field: typed, "name": typed}).shown for typed in ("ann@shop.example", "my secret password")]

    assert shown == [{field: "ann@shop.example", "name": "ann@shop.example"}, {"name": "my secret password"}]


def test_a_refusal_of_a_list_does_not_speak_of_types_of_python() -> None:
    class Body(RequestModel):
        lines: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]

    for sent, told in (([], "Must have at least 1 item"), (["a"] * 3, "Must have at most 2 items")):
        with pytest.raises(ValidationError) as refused:
            Body.model_validate({"lines": sent})
        assert [field.detail for field in invalid_input(refused.value).fields] == [told]
