import email
import email.policy
from datetime import UTC, datetime, timedelta, timezone
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailer.languages import texts
from services.mailer.message.blueprint import LINK, NAME, BrokenMessage, Recipient, Slot, build
from services.mailer.message.headers import HeaderInjection, date_value, mailbox, text_field
from services.mailer.notices.letters import TEMPLATES

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
URL = "https://localhost:8443/newsletter/unsubscribe?t=AQEBx-_" + "k" * 40
ANN = Recipient("Ann", "ann@example.org", "m-1@shop.example", URL)
FIELDS = [
    ("From", [b"Shop <news@shop.example>"]),
    ("Subject", [text_field("Subject", "Snow \u2603 in K\u014dbe")]),
    ("List-Unsubscribe", [b"<", Slot.LINK, b">"]),
]


def blueprint(text=f"Hi {NAME},\nbye: {LINK}\n", html=f"<p>Hi {NAME}!</p><a href='{LINK}'>bye</a>"):
    return build(FIELDS, text=text, html=html, boundary="=_b1")


def read(message: bytes):
    return email.message_from_bytes(message, policy=email.policy.default)


def bodies(message: bytes) -> tuple[str, str]:
    parsed = read(message)
    text, html = (parsed.get_body((kind,)) for kind in ("plain", "html"))
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (AT, b"Sun, 22 Nov 2026 03:00:00 +0000"),
        (AT.astimezone(timezone(timedelta(hours=9))), b"Sun, 22 Nov 2026 12:00:00 +0900"),
        (AT + timedelta(seconds=1, microseconds=999_999), b"Sun, 22 Nov 2026 03:00:01 +0000"),
    ],
)
def test_a_date_is_that_of_its_second_and_its_zone(moment, written):
    assert date_value(moment) == written


def test_a_filled_copy_reads_as_it_was_meant():
    message = blueprint().fill(ANN, at=AT)

    parsed = read(message)
    assert parsed["To"] == "Ann <ann@example.org>"
    assert parsed["Subject"] == "Snow \u2603 in K\u014dbe"
    assert parsed["Message-ID"] == "<m-1@shop.example>"
    assert parsed["Date"].datetime == AT
    assert bodies(message) == (f"Hi Ann,\nbye: {URL}\n", f"<p>Hi Ann!</p><a href='{URL}'>bye</a>\n")


def test_a_name_is_escaped_in_html_and_left_alone_in_text():
    message = blueprint().fill(Recipient('<b>"A&B"', "a@example.org", "m", URL), at=AT)

    text, html = bodies(message)
    assert '<b>"A&B"' in text
    assert "&lt;b&gt;&quot;A&amp;B&quot;" in html


def test_a_mail_is_seven_bit_with_short_lines_and_crlf_only():
    long = "\u65e5\u672c\u8a9e " * 200 + f"{NAME}{NAME} . {LINK}\n.\n" + "x" * 300
    message = blueprint(text=long, html=long).fill(
        Recipient("\u5c71\u7530 \u592a\u90ce" * 12, ANN.email, "m", URL), at=AT
    )

    assert message.isascii()
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert max(map(len, message.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


PRINTABLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=90)


@given(text=PRINTABLE, name=PRINTABLE)
def test_whatever_stands_around_a_value_is_read_back_exactly(text, name):
    source = f"{text}{NAME}{text}\n{NAME}\n{LINK}{text}"
    message = blueprint(text=source, html=source).fill(Recipient(name, ANN.email, "m", URL), at=AT)

    expected = source.replace(NAME, name).replace(LINK, URL)
    assert bodies(message)[0] == expected + "\n"


@given(name=PRINTABLE)
def test_every_name_is_one_mailbox_and_no_further_header(name):
    message = blueprint().fill(Recipient(name, ANN.email, "m", URL), at=AT)

    parsed = read(message)
    [address] = parsed["To"].addresses
    assert address.addr_spec == "ann@example.org"
    assert len(parsed.items()) == 8


@pytest.mark.parametrize("name", ["a\r\nBcc: x@example.org", "a\nb", "a\x00", "a\u2028b", "a\x85b"])
def test_a_name_that_would_begin_another_header_is_refused(name):
    with pytest.raises(HeaderInjection):
        blueprint().fill(Recipient(name, ANN.email, "m", URL), at=AT)


@pytest.mark.parametrize(
    "address", ["a@example.org, b@example.org", "a@b>\r\nBcc: c", "a b@c", "\u00e9@c.example", "ac"]
)
def test_an_address_that_would_add_a_recipient_is_refused(address):
    with pytest.raises(HeaderInjection):
        mailbox("Ann", address)


@pytest.mark.parametrize("name", ["Ann", "Doe, Ann", 'Ann "A" Doe', "=?utf-8?q?x?=", "\u5c71\u7530", "a" * 100])
def test_names_survive_their_encoding(name):
    message = blueprint().fill(Recipient(name, ANN.email, "m", URL), at=AT)

    [address] = read(message)["To"].addresses
    assert address.display_name == name


def test_the_links_are_found_where_they_must_be():
    message = blueprint().fill(ANN, at=AT)

    blueprint().check_links(message, URL)


@pytest.mark.parametrize(
    "broken",
    [
        blueprint(text="no link"),
        blueprint(html="no link"),
        build(FIELDS[:2], text=LINK, html=LINK, boundary="=_b1"),
        build([("X", [Slot.LINK])], text=LINK, html=LINK, boundary="=_b1"),
    ],
)
def test_a_copy_without_one_of_the_links_is_refused(broken):
    with pytest.raises(BrokenMessage):
        broken.check_links(broken.fill(ANN, at=AT), URL)


@pytest.mark.parametrize("value", [b"a\r\nBcc: b@example.org", b"a\nb", b"a\rb", b"a\x00", b"\xe9", b"a\r\n"])
def test_a_field_that_would_begin_another_makes_no_mail(value):
    with pytest.raises(HeaderInjection, match="Subject"):
        build([("Subject", [value])], text="x", html="x", boundary="=_b")


@pytest.mark.parametrize("name", ["To", "Cc", "bcc", "Content-Type"])
def test_recipients_and_frame_have_one_source(name):
    with pytest.raises(HeaderInjection, match="another"):
        build([(name, [b"x"])], text="x", html="x", boundary="=_b")


@pytest.mark.parametrize(
    "link", ["https://x/\r\nBcc: b@example.org", "https://x/ y", "https://x/>", "https://x/\u2028"]
)
def test_a_link_that_could_end_its_field_fills_no_copy(link):
    with pytest.raises(HeaderInjection, match="List-Unsubscribe"):
        blueprint().fill(Recipient("Ann", "ann@example.org", "m", link), at=AT)


@pytest.mark.parametrize("language", ["en", "ja", "de"])
def test_no_subject_of_ours_takes_text_that_a_person_wrote(language):
    words = texts(language)
    fields = {
        field
        for template in TEMPLATES
        for _, field, _, _ in Formatter().parse(words[template]["subject"])
        if field is not None
    }

    assert fields == {"shop", "number"}
