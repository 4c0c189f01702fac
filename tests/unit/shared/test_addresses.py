from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ValidationError

from shared.addresses import Email, PersonName, clean_name, normalise_email, parse_email
from shared.errors import InvalidInput


class Contact(BaseModel):
    name: PersonName
    email: Email


@pytest.mark.parametrize(
    ("text", "sent_to"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.Lovelace+watch@Example.COM ", "Ada.Lovelace+watch@example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@ＢÜCHER.example.com", "ada@xn--bcher-kva.example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("ada@shop.test", "ada@shop.test"),
    ],
)
def test_an_address_is_kept_in_the_form_that_mail_is_sent_to(text: str, sent_to: str) -> None:
    assert parse_email(text) == sent_to


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "@example.com", "ada@example", "ada@example.com.", "ada@@example.com", "a b@example.com",
        '"ada"@example.com', "ada@[127.0.0.1]", "ada@localhost", "ada@printer.local", "ädä@example.com",
        "ada@example.com\n", "ada@example.com\r\nBcc: bob@example.com", "ada@exa\x00mple.com", "ada@-example.com",
        "Ada <ada@example.com>", "ada@example.com,bob@example.com", "a" * 65 + "@example.com",
        "ada@" + "a." * 130 + "com", "ada@\u202eexample.com", "ada@xn--a.com", "\ud800@example.com",
        "ada@" + ".".join(["ü" * 40] * 4) + ".com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_email(text, pointer="/contact/email")

    [fault] = caught.value.fields
    assert (fault.pointer, fault.code) == ("/contact/email", "invalid-email")
    assert not text or text not in f"{caught.value} {fault}"


@pytest.mark.parametrize(
    "text",
    [
        "Ada@bücher.example.com",
        "ADA@BÜCHER.example.com",
        "ada@XN--BCHER-KVA.example.com",
        " ada@bu\u0308cher.example.com",
    ],
)
def test_spellings_of_one_address_are_looked_up_alike(text: str) -> None:
    assert normalise_email(text) == "ada@xn--bcher-kva.example.com"
    assert normalise_email(normalise_email(text)) == normalise_email(text)
    assert normalise_email(parse_email(text)) == normalise_email(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada ", "Ada"),
        ("\u3000山田\u3000太郎\u3000", "山田\u3000太郎"),
        ("Jose\u0301", "Jos\u00e9"),
        ("O'Neil-Łukasz, Jr. (3rd)", "O'Neil-Łukasz, Jr. (3rd)"),
        ("x" * 100, "x" * 100),
        (" " * 50 + "x", "x"),
        ("e\u0301" * 100, "\u00e9" * 100),
    ],
)
def test_a_name_is_trimmed_and_composed(text: str, kept: str) -> None:
    assert clean_name(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "\u3000", "x" * 101, "x" * 100_000, "Ada\nBcc: bob@example.com", "Ada\r", "Ada\x00", "Ada\x7f",
        "Ada\x85", "Ada\u2028Bob", "Ada\u2029", "Ada\u200bBob", "\u202eadA", "\ufeffAda", "\ue000", "\ud800",
        "=?utf-8?q?Ada?=", "Ada <ada", "ada> x", "\U000e0041",
        "You won! https://evil.example", "HTTP://evil.example", "see WWW.evil.example",
    ],
)  # fmt: skip
def test_a_name_that_could_pose_as_something_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_name(text, pointer="/contact/name")

    [fault] = caught.value.fields
    assert (fault.pointer, fault.code) == ("/contact/name", "invalid-name")
    assert not text.strip() or text not in f"{caught.value} {fault}"


def test_a_request_model_cleans_them() -> None:
    contact = Contact(name=" Ada ", email="Ada@Example.com")

    assert (contact.name, contact.email) == ("Ada", "Ada@example.com")


@pytest.mark.parametrize(
    "body", [{"name": "Ada\nLovelace", "email": "lovelace@"}, {"name": ["lovelace"], "email": {"lovelace": 1}}]
)
def test_a_request_model_names_the_field_and_not_the_value(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Contact.model_validate(body)

    errors = caught.value.errors()
    assert [(error["loc"], error["type"]) for error in errors] == [
        (("name",), "invalid-name"),
        (("email",), "invalid-email"),
    ]
    assert "ovelace" not in f"{caught.value} {errors}"


def test_the_schema_tells_what_is_accepted() -> None:
    properties = Contact.model_json_schema()["properties"]

    assert properties["email"].pop("examples") == ["ann@shop.example"]
    assert properties["email"] == {"type": "string", "format": "email", "maxLength": 254, "title": "Email"}
    assert (properties["name"]["minLength"], properties["name"]["maxLength"]) == (1, 100)


LOCALS = [
    "ada", "Ada", "info", "Info", "SUPPORT", "ada.lovelace", "ada..l", ".ada", "ada.", "a" * 64, "a" * 65, "a-b_c+d",
    "a.b.c", "o'neil", "ädä", '"ada"', "a" * 32 + "." + "b" * 31, "a" * 33 + "." + "b" * 31, "", "a b", "a@b",
]  # fmt: skip
DOMAINS = [
    "shop.example", "Shop.EXAMPLE", "bücher.example", "localhost", "shop.test", "a..b", "-a.example", "[127.0.0.1]",
    "a" * 63 + ".example", "a" * 64 + ".example", ".".join(["a" * 60] * 4) + ".com", "", "a b.example", "x.local",
]  # fmt: skip


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("local", LOCALS)
def test_the_short_way_of_plain_addresses_says_what_the_long_one_does(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    try:
        whole = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, test_environment=True, strict=True
        ).ascii_email
    except EmailNotValidError:
        whole = None
    if whole is not None and len(text) <= 254 and len(whole) <= 254:
        assert [parse_email(text), parse_email(text)] == [whole, whole]
        return
    for _ in range(2):
        with pytest.raises(InvalidInput):
            parse_email(text)
