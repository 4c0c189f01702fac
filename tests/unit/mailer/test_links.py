"""The tokens of mailed links as anybody may send them: what we wrote, or one refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailer.subscriptions.links import Links, new_subscriber_id
from shared.errors import InvalidInput
from shared.testing.clock import NOON
from shared.testing.keys import MemoryKeys

LINKS = Links(MemoryKeys(), public_url="https://shop.example")
SIGNS = st.sampled_from("0123456789=-_AZaz%+/\u00e9\u0660\ud800") | st.characters()


@given(st.text(SIGNS, max_size=300))
def test_whatever_somebody_sends_is_refused_by_name(text: str) -> None:
    for read in (LINKS.read_subscriber, lambda token: LINKS.read_confirmation(token, at=NOON)):
        with pytest.raises(InvalidInput) as refusal:
            read(text)
        assert [field.pointer for field in refusal.value.fields] == ["/token"]


@given(st.integers(0, 100), st.characters())
def test_a_token_with_another_sign_in_it_is_nobodys(at: int, sign: str) -> None:
    reader = new_subscriber_id()
    token = LINKS.subscriber_token(reader)
    at = min(at, len(token) - 1)

    try:
        found = LINKS.read_subscriber(token[:at] + sign + token[at + 1 :])
    except InvalidInput:
        return
    assert found == reader


def test_a_token_of_one_kind_is_none_of_the_other() -> None:
    with pytest.raises(InvalidInput):
        LINKS.read_subscriber(LINKS.confirm_token(new_subscriber_id(), 1, at=NOON))
    with pytest.raises(InvalidInput):
        LINKS.read_confirmation(LINKS.subscriber_token(new_subscriber_id()), at=NOON)
