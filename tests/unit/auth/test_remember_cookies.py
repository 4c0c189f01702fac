"""The remember cookie as anybody may send it: what we wrote, or nothing."""

from hypothesis import example, given
from hypothesis import strategies as st

from services.auth.sessions.cookies import RememberCookies, Ticket
from services.auth.tokens import fingerprint
from shared.testing.keys import MemoryKeys

COOKIES = RememberCookies(MemoryKeys(), "__Host-www.shop.example-remember")
TICKET = Ticket("series", "value")
SIGNS = st.sampled_from("0123456789.=-_AZaz%\u00e9\u0660\ud800") | st.characters()


@given(st.text(SIGNS, max_size=600))
@example("1.")
@example("\u0661.AAAA")
@example("9" * 400 + ".AAAA")
@example("1." + "A" * 510)
def test_whatever_somebody_sends_opens_nothing(text: str) -> None:
    assert COOKIES.read(text) is None
    assert len(fingerprint(text)) == 32  # as the token of a session it is looked for, and not found


@given(st.integers(0, 120), st.text(SIGNS, min_size=1, max_size=3), st.booleans())
@example(2, "::.", True)
def test_one_sign_more_or_another_opens_nothing(at: int, noise: str, is_added: bool) -> None:
    written = COOKIES.write(TICKET)
    at = min(at, len(written) - 1)
    altered = written[:at] + noise + written[at + (0 if is_added else len(noise)) :]

    assert COOKIES.read(written) == TICKET
    assert COOKIES.read(altered) == (TICKET if altered == written else None)
