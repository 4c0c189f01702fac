import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mailer.bounces.reading import Kind, Reading, read_return
from services.mailer.testing.returned import complaint, dsn


def read(message: bytes, *, null=True) -> Reading:
    return read_return(message, is_null_sender=null)


@pytest.mark.parametrize(
    ("status", "action", "diagnostic", "kind", "code"),
    [
        ("5.1.1", "failed", "smtp; 550 5.1.1 nobody", Kind.HARD, "5.1.1"),
        ("5.1.2", "failed", "x", Kind.HARD, "5.1.2"),
        ("5.1.10", "Failed", "x", Kind.HARD, "5.1.10"),
        ("5.2.1", "failed (final)", "x", Kind.HARD, "5.2.1"),
        ("5.0.0", "failed", "smtp; 550 5.1.1 <ann@example.org>: unknown", Kind.HARD, "5.1.1"),
        ("5.0.0", "failed", "smtp; 550 no", Kind.SOFT, "5.0.0"),
        ("5.2.2", "failed", "smtp; 552 5.2.2 full", Kind.SOFT, "5.2.2"),
        ("5.7.1", "failed", "smtp; 550 5.7.1 policy", Kind.SOFT, "5.7.1"),
        ("4.4.7", "failed", "too late", Kind.SOFT, "4.4.7"),
        ("", "failed", "", Kind.SOFT, ""),
        ("4.4.1", "delayed", "x", None, "4.4.1"),
        ("2.0.0", "delivered", "x", None, "2.0.0"),
        ("2.0.0", "relayed", "x", None, "2.0.0"),
    ],
)
def test_a_status_report_says_what_it_means_for_the_address(status, action, diagnostic, kind, code):
    reading = read(dsn(status, action, diagnostic=diagnostic))

    assert (reading.kind, reading.status) == (kind, code)


def test_line_ends_and_letter_case_make_no_difference():
    message = dsn()
    loud = re.sub(rb"(?m)^(Content-Type|Action|Status):", lambda match: match[0].upper(), message)

    assert read(message.replace(b"\r\n", b"\n")) == read(message) == read(loud)


def test_of_several_recipients_the_one_who_is_gone_counts():
    two = dsn("4.4.7").replace(
        b"Diagnostic-Code", b"X: y\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\nDiagnostic-Code"
    )

    assert read(two).kind is Kind.HARD


def test_a_bounce_in_prose_is_soft_and_an_answer_is_nothing():
    prose = b"Subject: failure notice\r\n\r\nHi. This is the qmail-send program. 550 5.1.1 sorry\r\n"

    assert read(prose).kind is Kind.SOFT
    assert read(prose, null=False).kind is None
    assert read(b"Auto-Submitted: auto-replied (vacation)\r\n" + prose).kind is None


@pytest.mark.parametrize("kind", ["abuse", "fraud", "Abuse", "other", "opt-out"])
def test_a_complaint_names_the_return_path_of_what_it_is_about(kind):
    original = "Return-Path: <b-two@bounces.shop.example>\nList-Unsubscribe: <https://shop.example/u?t=1>"
    reading = read(complaint(kind, mail_from="b-one@bounces.shop.example", original=original), null=False)

    assert reading.kind is Kind.COMPLAINT
    assert reading.paths == ("<b-one@bounces.shop.example>", "<b-two@bounces.shop.example>")
    assert reading.link == "https://shop.example/u?t=1"


def test_who_says_that_it_is_no_spam_complains_of_nothing():
    assert read(complaint("not-spam"), null=False).kind is None


pieces = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=b\r\n", b'Content-Type: multipart/report; boundary="', b"--b\r\n",
        b"--b--\r\n", b"Content-Type: message/delivery-status\r\n", b"Content-Type: message/feedback-report\r\n",
        b"\r\n", b"\n", b"Action: failed\r\n", b"Status: 5.1.1\r\n", b"Status: ", b"Feedback-Type: abuse\r\n",
        b"Original-Mail-From: <", b"Content-Type: message/rfc822\r\n", b"Return-Path: ", b" ", b"\t", b";",
    ]
)  # fmt: skip


@settings(max_examples=600)
@given(st.lists(st.one_of(pieces, st.binary(max_size=30)), max_size=60).map(b"".join), st.booleans())
def test_whatever_comes_back_nothing_is_raised(message, null):
    assert isinstance(read(message, null=null), Reading)


@settings(max_examples=200)
@given(st.data())
def test_a_report_that_is_cut_or_altered_anywhere_raises_nothing(data):
    whole = data.draw(st.sampled_from([dsn(), complaint()]))
    at = data.draw(st.integers(0, len(whole)))
    altered = data.draw(st.binary(max_size=5))

    assert isinstance(read(whole[:at] + altered), Reading)
    assert isinstance(read(whole[:at] + altered + whole[at + len(altered) :]), Reading)


@pytest.mark.parametrize(
    "hostile",
    [
        b"Content-Type: multipart/report; boundary=b\r\n\r\n" + b"--b\r\n" * 200_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(20_000)),
        b"A: " + b"x\r\n " * 250_000,
        b"Content-Type: multipart/report" + b"; " * 100_000 + b"boundary=b\r\n\r\n",
        b"\r\n" * 500_000,
        b"\n \t" * 300_000,
        b"Status: " + b"5." * 300_000,
    ],
)
def test_a_megabyte_of_anything_is_read_in_linear_steps(hostile):
    small = read(hostile[: len(hostile) // 8])
    whole = read(hostile)

    assert (small.kind, whole.kind) == (Kind.SOFT, Kind.SOFT)
