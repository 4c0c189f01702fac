"""What strangers write, read by parsers of ours: a value in its one form, or one refusal; nothing else is raised."""

import json
import string
import unicodedata

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given
from hypothesis import strategies as st

from shared.addresses import clean_name, is_email, normalise_email, parse_email
from shared.errors import InvalidInput
from shared.events import Event, MalformedEvent, decode, encode
from shared.http.cookies import cookie_name
from shared.http.preferences import CURRENCIES, LANGUAGES, read_preferences

SIGNS = st.sampled_from("@.\"'<>()[]\\,;: \r\n\t\0+=%\u00e4\u3042\u200b\u202e\u212a\uff20\U0001f600") | st.characters()
NEARLY = st.tuples(
    st.text(SIGNS, max_size=70), st.sampled_from(["@", "@@", "", "\uff20"]), st.text(SIGNS, max_size=70)
).map("".join)
TEXTS = NEARLY | st.text(SIGNS, max_size=400) | st.emails()


@given(TEXTS)
@example("a@b.example\r\nBcc: c@d.example")
@example("a@[127.0.0.1]")
@example("a@localhost")
@example('"a b"@c.example')
def test_an_address_is_one_mailbox_or_refused_without_a_word_of_it(text: str) -> None:
    if not is_email(text):
        with pytest.raises(InvalidInput) as refused:
            parse_email(text)
        assert len(text) < 4 or text not in f"{refused.value} {refused.value.fields}"
        return
    address = parse_email(text)
    assert parse_email(address) == address
    assert address.isascii()
    assert address.count("@") == 1
    assert not set(address) & set(string.whitespace + '<>(),;:\\"[]\0')
    assert normalise_email(normalise_email(address)) == normalise_email(address)


@given(TEXTS)
@example("Ann\u2028Bcc: c@d.example")
@example("=?utf-8?q?Bcc:_c=40d.example?=")
def test_a_name_is_one_line_or_refused(text: str) -> None:
    try:
        name = clean_name(text)
    except InvalidInput:
        return
    assert clean_name(name) == name
    assert 0 < len(name) <= 100
    assert all(unicodedata.category(sign) not in ("Cc", "Zl", "Zp") for sign in name)
    assert not any(mark in name for mark in ("<", ">", "=?", "://"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("specversion", "id", "source", "type", "subject", "time", "data", "traceparent")
TIME = "2026-11-22T03:00:00Z"
WHOLE = dict(zip(NAMES, ("1.0", "e-1", "/auth", "auth.account.verified.v1", "a-1", TIME, {}, ""), strict=True))


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3), st.sets(st.sampled_from(NAMES), max_size=1))
def test_an_event_with_anything_in_its_attributes_is_read_or_refused(
    odd: dict[str, object], left_out: set[str]
) -> None:
    body = {name: value for name, value in (WHOLE | odd).items() if name not in left_out}
    try:
        event = decode(json.dumps(body).encode())
    except MalformedEvent:
        return
    assert decode(encode(event)) == event


@given(JSON, st.integers(0, 200), st.binary(max_size=4))
def test_an_event_that_is_cut_or_altered_anywhere_is_read_or_refused(data: object, at: int, noise: bytes) -> None:
    event = Event("e-1", "auth.account.verified.v1", "auth", "a-1", decode(_bytes({})).time, {"value": data})
    assert decode(encode(event)).data == {"value": data}
    whole = encode(event)
    for altered in (whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        try:
            assert isinstance(decode(altered), Event)
        except MalformedEvent:
            continue


def _bytes(data: dict[str, object]) -> bytes:
    return json.dumps(WHOLE | {"data": data}).encode()


class Site:
    site_name = "www.shop.example"


VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@given(VALUES, VALUES)
@example("en.JPY", "de;q=zzz, ja;q=1e999, *;q=nan")
@example("en.BTC; Path=/", "q=-1")
def test_preferences_are_of_the_closed_list_whatever_a_browser_sends(cookie: str, languages: str) -> None:
    name = cookie_name(Site.site_name, "prefs")
    request = make_mocked_request("GET", "/", {"Cookie": f"{name}={cookie}", "Accept-Language": languages})

    found = read_preferences(request, Site())  # type: ignore[arg-type]

    assert (found.language, found.currency) in {(each, money) for each in LANGUAGES for money in CURRENCIES}


@pytest.mark.parametrize("nested", [1_000, 100_000])
def test_an_event_nested_without_end_is_refused(nested: int) -> None:
    with pytest.raises(MalformedEvent):
        decode(b'{"data":' + b'{"a":' * nested)
