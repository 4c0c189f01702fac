import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from shared.secrets import CardCode, CardNumber, MalformedSecret, Secret, hidden_error

NUMBER = "4242424242424242"
PARTS = ["4242", "424", "987"]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    number: CardNumber
    cvc: CardCode
    password: Secret[str] | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    number: CardNumber


def a_request() -> Request:
    return Request.model_validate({"number": NUMBER, "cvc": "987", "password": "pass-4242"})


def shows_nothing(text: str) -> bool:
    return not any(part in text for part in PARTS)


SECRETS = [CardNumber(NUMBER), CardCode("987"), Secret("pass-4242"), Secret(b"pass-4242")]
each_secret = pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: type(secret.reveal()).__name__)


@each_secret
def test_no_way_of_printing_shows_it(secret: Secret[Any]) -> None:
    ways = [
        str(secret), repr(secret), f"{secret}", f"{secret!r}", f"{secret:>40}", f"{[secret]}", f"{ {'a': secret} }",
        "%s %r" % (secret, secret), ascii(secret), str(dir(secret)),  # noqa: UP031 - one of the ways
    ]  # fmt: skip

    assert all(map(shows_nothing, ways))


@each_secret
def test_logging_shows_nothing(secret: Secret[Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("card %s %r", secret, {"card": secret})

    assert "hidden" in caplog.text
    assert shows_nothing(caplog.text)


@each_secret
def test_a_traceback_with_locals_shows_nothing(secret: Secret[Any]) -> None:
    try:
        raise ValueError(secret)
    except ValueError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "secret = " in text
    assert shows_nothing(text)


@each_secret
@pytest.mark.parametrize("dump", [json.dumps, orjson.dumps, to_json, lambda s: orjson.dumps(Holder(s))])
def test_no_json_library_takes_it(secret: Secret[Any], dump: Any) -> None:
    with pytest.raises(Exception) as caught:
        dump({"card": secret} if dump is not orjson.dumps else [secret])

    assert isinstance(caught.value, (TypeError, PydanticSerializationError))
    assert shows_nothing(str(caught.value))


@each_secret
def test_json_with_a_default_shows_nothing(secret: Secret[Any]) -> None:
    assert shows_nothing(json.dumps(secret, default=str) + orjson.dumps(secret, default=str).decode())


@each_secret
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(secret: Secret[Any], protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled") as caught:
        pickle.dumps(secret, protocol)

    assert shows_nothing(str(caught.value))


@each_secret
def test_a_copy_is_the_same_object(secret: Secret[Any]) -> None:
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_a_dataclass_around_it_stays_hidden() -> None:
    holder = Holder(CardNumber(NUMBER))

    assert shows_nothing(f"{holder} {asdict(holder)}")
    with pytest.raises(TypeError):
        pickle.dumps(holder)


@each_secret
def test_it_has_no_attributes_to_dump(secret: Secret[Any]) -> None:
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(TypeError):
        secret.__getstate__()


@each_secret
def test_it_does_not_change(secret: Secret[Any]) -> None:
    with pytest.raises(AttributeError):
        secret._value = "other"
    with pytest.raises(AttributeError):
        del secret._value


def test_equality_is_by_value_and_kind() -> None:
    assert Secret("ä") == Secret("ä")
    assert Secret("ä") != Secret("a")
    assert Secret("987") != CardCode("987")
    assert Secret("a") != "a"
    assert Secret[str]("a") == Secret("a")


def test_a_secret_has_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Secret("a"))


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242\u00a04242\u20134242\u22124242",
        " ４２４２　４２４２－４２４２４２４２ ",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ],
)
def test_a_card_number_is_read_as_people_type_it(text: str) -> None:
    card = CardNumber(text)

    assert card.reveal() == NUMBER
    assert (card.first6, card.last4) == ("424242", "4242")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4" * 11,
        "4" * 20,
        "4242424242424242x",
        "4242\n424242424242",
        "4242.4242.4242.4242",
        "①" * 16 + "½",
        "4" * 65,
    ],
)
def test_what_is_no_card_number_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(MalformedSecret) as caught:
        CardNumber(text)

    assert caught.value.code == "invalid-card-number"
    assert shows_nothing("".join(traceback.format_exception(caught.value)).replace("test_secrets", ""))


@pytest.mark.parametrize("text", ["", "12", "12345", "12a", "１２"])
def test_what_is_no_card_code_is_refused(text: str) -> None:
    with pytest.raises(MalformedSecret):
        CardCode(text)


def test_a_request_holds_them() -> None:
    request = a_request()

    assert request.number.reveal() == NUMBER
    assert request.cvc.reveal() == "987"
    assert request.password == Secret("pass-4242")


def test_a_request_shows_nothing_of_them() -> None:
    request = a_request()

    assert shows_nothing(f"{request} {request!r} {request.model_dump()} {request.model_copy(deep=True)}")
    with pytest.raises(PydanticSerializationError) as caught:
        request.model_dump_json()
    assert shows_nothing(str(caught.value))
    with pytest.raises(PydanticSerializationError):
        request.model_dump(mode="json")
    with pytest.raises(TypeError):
        pickle.dumps(request)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"number": NUMBER + "x", "cvc": "987"}, {"number": "invalid-card-number"}),
        ({"number": 4242424242424242, "cvc": 987}, {"number": "invalid-card-number", "cvc": "invalid-card-code"}),
        ({"number": [NUMBER], "cvc": None}, {"number": "invalid-card-number", "cvc": "invalid-card-code"}),
        (
            {"number": NUMBER, "cvc": "98765", "password": 4242},
            {"cvc": "invalid-card-code", "password": "invalid-secret"},
        ),
    ],
)
@pytest.mark.parametrize("form", ["json", "values"])
def test_a_refused_field_is_named_and_not_shown(body: dict[str, Any], places: dict[str, str], form: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Request.model_validate(body) if form == "values" else Request.model_validate_json(json.dumps(body))

    errors = caught.value.errors()
    assert {error["loc"][0]: error["type"] for error in errors} == places
    assert shows_nothing(f"{caught.value} {caught.value!r} {errors} {caught.value.json()}")


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_says_write_only(mode: Any) -> None:
    properties = Request.model_json_schema(mode=mode)["properties"]

    assert properties["number"]["type"] == "string"
    assert properties["number"]["writeOnly"] is True


def test_a_secret_of_bytes_takes_bytes_only() -> None:
    class Model(BaseModel):
        key: Secret[bytes]

    assert Model(key=b"x").key.reveal() == b"x"  # type: ignore[arg-type]  # validated, not yet a Secret
    with pytest.raises(ValidationError):
        Model.model_validate({"key": "x"})


def test_a_hidden_error_takes_braces_as_they_are() -> None:
    assert hidden_error("some-code", "must be {this} or {{that}}").errors()[0]["msg"] == "must be {this} or {{that}}"
