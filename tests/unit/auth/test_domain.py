"""Rules without a loop."""

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from services.auth.accounts.domain import PENDING_MOST, Account, Proof, Registration
from services.auth.accounts.passwords import OneTimeCode, Password
from services.auth.factors.totp import matching_step
from services.auth.pages.forms import safe_next
from services.auth.refusals import SpentToken, UnknownToken
from services.auth.sessions.domain import ABSOLUTE, IDLE, Session, device_of
from services.auth.sessions.remembered import GRACE, LASTS, RememberedBrowser, Verdict
from shared.secrets import MalformedSecret
from shared.testing.clock import NOON

SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)


def _asked(token: bytes, who: bytes = b"") -> Registration:
    return Registration(Proof(token, NOON + DAY), email=b"e" + who, name=b"n" + who, password=b"p" + who)


ACCOUNT = Account("a-1", "k", b"e", b"n", b"p", created_at=NOON, registrations=(_asked(b"hash"),))
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_a_link_verifies_once() -> None:
    verified = ACCOUNT.verify(b"hash", at=NOON)

    assert verified.verified_at == NOON
    with pytest.raises(SpentToken):
        verified.verify(b"hash", at=NOON)


def test_a_link_is_good_for_a_day() -> None:
    assert ACCOUNT.verify(b"hash", at=NOON + timedelta(hours=24) - SECOND).is_verified
    with pytest.raises(SpentToken):
        ACCOUNT.verify(b"hash", at=NOON + timedelta(hours=24))


def test_another_link_is_unknown() -> None:
    with pytest.raises(UnknownToken):
        ACCOUNT.verify(b"other", at=NOON)


@pytest.mark.parametrize("who", [b"1", b"2"])
def test_a_link_confirms_what_was_asked_with_it_and_ends_the_others(who: bytes) -> None:
    both = replace(ACCOUNT, registrations=()).ask_again(_asked(b"1", b"1")).ask_again(_asked(b"2", b"2"))

    verified = both.verify(who, at=NOON)

    assert (verified.email, verified.name, verified.password) == (b"e" + who, b"n" + who, b"p" + who)
    assert verified.registrations == ()
    for other in {b"1", b"2"} - {who}:
        with pytest.raises(UnknownToken):
            verified.verify(other, at=NOON)


def test_only_the_newest_registrations_wait() -> None:
    asked = [_asked(bytes([number])) for number in range(PENDING_MOST + 2)]
    account = replace(ACCOUNT, registrations=())

    for each in asked:
        account = account.ask_again(each)

    assert account.registrations == tuple(asked[-PENDING_MOST:])


def test_staff_is_who_has_a_role_and_no_longer_when_dismissed() -> None:
    appointed = ACCOUNT.appoint("support", secret=b"s")

    assert (ACCOUNT.is_staff, appointed.is_staff, appointed.dismiss().is_staff) == (False, True, False)
    assert not appointed.dismiss().factors.any


def _session() -> Session:
    return Session(b"k", "s", "a-1", frozenset(), "Browser", created_at=NOON, seen_at=NOON)


@pytest.mark.parametrize(
    ("seen", "after", "is_live"),
    [
        (timedelta(0), IDLE - SECOND, True),
        (timedelta(0), IDLE, False),
        (ABSOLUTE - SECOND, ABSOLUTE - SECOND, True),
        (ABSOLUTE - SECOND, ABSOLUTE, False),
    ],
)
def test_a_session_ends_when_idle_or_old(seen: timedelta, after: timedelta, is_live: bool) -> None:
    assert replace(_session(), seen_at=NOON + seen).is_live(NOON + after) is is_live


def _browser() -> RememberedBrowser:
    return RememberedBrowser("r", "a-1", "Browser", b"v1", created_at=NOON, rotated_at=NOON, expires_at=NOON + LASTS)


def test_the_current_value_rotates_at_any_time_within_sixty_days() -> None:
    assert _browser().judge(b"v1", NOON) is Verdict.ROTATE
    assert _browser().judge(b"v1", NOON + LASTS - SECOND) is Verdict.ROTATE
    assert _browser().judge(b"v1", NOON + LASTS) is Verdict.GONE


def test_the_former_value_is_good_for_sixty_seconds() -> None:
    rotated = _browser().rotate(b"v2", handover=b"box", at=NOON)

    assert rotated.judge(b"v1", NOON + GRACE) is Verdict.HAND_OVER
    assert rotated.judge(b"v1", NOON + GRACE + SECOND) is Verdict.STOLEN
    assert rotated.judge(b"v2", NOON) is Verdict.ROTATE


def test_an_older_value_is_stolen_even_at_once() -> None:
    twice = _browser().rotate(b"v2", handover=b"box", at=NOON).rotate(b"v3", handover=b"box", at=NOON)

    assert twice.judge(b"v1", NOON) is Verdict.STOLEN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "password-missing"),
        ("x" * 1025, "password-too-long"),
        ("\N{SNOWMAN}" * 342, "password-too-long"),
        ("fifteen chars\0 and more", "invalid-password"),
        ("fifteen chars\ud800 and more", "invalid-password"),
    ],
)
def test_what_is_no_password_is_refused_before_any_work(text: str, code: str) -> None:
    with pytest.raises(MalformedSecret) as refused:
        Password(text)

    assert refused.value.code == code


def test_a_password_is_one_in_every_form_of_unicode() -> None:
    assert (
        Password("ange\u0301lique ange\u0301lique").as_bytes() == Password("ang\u00e9lique ang\u00e9lique").as_bytes()
    )


@pytest.mark.parametrize("text", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "", "1" * 1000])
def test_a_code_is_six_digits(text: str) -> None:
    with pytest.raises(MalformedSecret):
        OneTimeCode(text)


def test_a_code_may_have_spaces() -> None:
    assert OneTimeCode("123 456").reveal() == "123456"


@pytest.mark.parametrize(("skew_s", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_fits_one_step_around_now(skew_s: int, fits: bool) -> None:
    code = pyotp.TOTP(SECRET).at(NOON + timedelta(seconds=skew_s))

    step = matching_step(SECRET, code, at=NOON, last_step=0)

    assert step == ((int(NOON.timestamp()) + skew_s) // 30 if fits else None)


def test_a_code_of_the_last_step_or_before_no_longer_fits() -> None:
    code = pyotp.TOTP(SECRET).at(NOON)
    step = int(NOON.timestamp()) // 30

    assert matching_step(SECRET, code, at=NOON, last_step=step) is None
    assert matching_step(SECRET, code, at=NOON, last_step=step + 1) is None
    assert matching_step(SECRET, code, at=NOON, last_step=step - 1) == step


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("<script>alert('ann@shop.example')</script>", "Browser"),
    ],
)
def test_a_device_is_a_label_from_a_closed_list(agent: str, device: str) -> None:
    assert device_of(agent) == device


@pytest.mark.parametrize(
    "wanted",
    ["/", "/account", "/warranty", "/orders/0193-ab_C", "/products/kisai-rogue", "/checkout?TF-KISAI-01=2&country=DE"],
)
def test_the_next_page_may_be_one_of_ours(wanted: str) -> None:
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/account/../../evil",
        "/account//evil.example", "/accountant", "/logout", "/account?x=//evil", "/account\r\nX: y", "/account\n",
        "/%2f%2fevil.example", "/account@evil.example", " /account", "/orders/\N{FULLWIDTH SOLIDUS}evil",
        "/orders/" + "a" * 1001,
    ],
)  # fmt: skip
def test_the_next_page_is_never_elsewhere(wanted: str) -> None:
    assert safe_next(wanted) == "/account"
