import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailer.addresses import cap_identity


@pytest.mark.parametrize(
    "spelling",
    [
        "Jo.Doe@gmail.com",
        "jodoe@gmail.com",
        "j.o.d.o.e+shop@GMAIL.com",
        "JODOE+a+b@googlemail.com",
        "jodoe@googlemail.com.",
        "\uff4aodoe@gmail.com",
    ],
)
def test_every_spelling_of_a_gmail_address_is_one(spelling):
    assert cap_identity(spelling) == "jodoe@gmail.com"


def test_case_and_tag_are_dropped_everywhere():
    assert cap_identity("Ann+watches@Example.ORG") == cap_identity("ann@example.org") == "ann@example.org"


def test_dots_count_where_they_may():
    assert cap_identity("j.doe@example.org") != cap_identity("jdoe@example.org")


def test_a_domain_in_letters_is_its_ascii_form():
    assert cap_identity("a@M\u00fcnchen.example") == cap_identity("a@xn--mnchen-3ya.example")


def test_an_address_that_is_all_tag_keeps_it():
    assert cap_identity("+tag@example.org") == "+tag@example.org"


def test_different_people_stay_different():
    assert cap_identity("ann@example.org") != cap_identity("ben@example.org")


@given(st.emails())
def test_the_identity_of_an_identity_is_itself(email):
    once = cap_identity(email)

    assert cap_identity(once) == once
