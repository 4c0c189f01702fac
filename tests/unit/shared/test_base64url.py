"""One way to write bytes, and no other is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import base64url


@given(st.binary(max_size=40))
def test_what_is_written_is_read(raw: bytes) -> None:
    assert base64url.decode(base64url.encode(raw)) == raw


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "AA.", "A A", "AA\n", "+/8", "::AA", "é", "\ud800"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        base64url.decode(text)
