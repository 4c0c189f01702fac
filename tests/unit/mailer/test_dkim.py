import argparse
import email
import email.policy
from datetime import UTC, datetime, timedelta

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.mailer.commands import show_dkim
from services.mailer.message.dkim import DkimKey, Signer, UnusableDkimKey
from services.mailer.testing.harness import open_shop, settings_for

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def pem_of(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


RSA = pem_of(generate_private_key(65537, 2048))
ED25519 = pem_of(Ed25519PrivateKey.generate())
KEYS = [
    DkimKey.load(RSA, domain="shop.example", selector="r1"),
    DkimKey.load(ED25519, domain="shop.example", selector="e1"),
]
DNS = {f"{name}.".encode(): text.encode() for name, text in (key.record for key in KEYS)}
MAIL = (
    b"From: Shop <news@shop.example>\r\nTo: ann@example.org\r\nSubject: News\r\n"
    b"List-Unsubscribe: <https://shop.example/u?t=1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"\r\nHello  there \r\n\r\n"
)


def is_genuine(message: bytes, number: int) -> bool:
    """As another implementation judges the signature, counted from the top."""
    try:
        return dkim.DKIM(message).verify(idx=number, dnsfunc=lambda name, **_: DNS.get(name))
    except dkim.ValidationError:
        return False


def test_both_signatures_hold_for_another_implementation():
    signed = Signer(KEYS).sign(MAIL, at=AT)

    assert signed.endswith(MAIL)
    assert [is_genuine(signed, number) for number in (0, 1)] == [True, True]
    assert b"a=rsa-sha256" in signed
    assert b"a=ed25519-sha256" in signed


def test_each_second_has_its_own_signature():
    signed = [Signer(KEYS).sign(MAIL, at=AT + timedelta(seconds=later)) for later in (0, 1, 0)]

    assert [message.count(b"t=%d;" % (AT.timestamp() + 1)) for message in signed] == [0, 2, 0]
    assert all(is_genuine(message, number) for message in signed for number in (0, 1))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"News", b"Newt"),
        (b"Hello", b"Hallo"),
        (b"u?t=1", b"u?t=2"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
        (b"Subject: News", b"Subject: News\r\nSubject: Other"),
        (b"Subject: News", b"List-Unsubscribe: <https://evil.example/>\r\nSubject: News"),
        (b"Subject: News", b"Subject: News\r\nReply-To: evil@example.org"),
        (b"Subject: News", b"Subject: News\r\nCc: other@example.org"),
    ],
)
def test_what_is_altered_or_added_on_the_way_breaks_both(was, becomes, number):
    signed = Signer(KEYS).sign(MAIL, at=AT)

    assert not is_genuine(signed.replace(was, becomes), number)


@settings(max_examples=60)
@given(st.text(alphabet=" \t\nab=\u65e5.", max_size=60), st.text(alphabet=" \tab:", max_size=40))
def test_any_body_and_subject_can_be_verified(body, subject):
    lines = body.encode().replace(b"\n", b"\r\n")
    message = b"From: a@shop.example\r\nSubject: x" + subject.encode() + b"\r\n\r\n" + lines + b"\r\n"
    signed = Signer(KEYS[1:]).sign(message, at=AT)

    assert is_genuine(signed, 0)


def test_no_line_of_the_signatures_is_long():
    head = Signer(KEYS).sign(MAIL, at=AT).removesuffix(MAIL)

    assert max(map(len, head.split(b"\r\n"))) <= 78 + len("Feedback-ID")


def test_without_keys_a_mail_stays_as_it_is():
    assert Signer([]).sign(MAIL, at=AT) == MAIL


@pytest.mark.parametrize(
    "pem", ["nonsense", pem_of(generate_private_key(65537, 1024)), pem_of(generate_ec(SECP256R1()))]
)
def test_a_key_that_nobody_should_sign_with_is_refused(pem):
    with pytest.raises(UnusableDkimKey, match="must be"):
        DkimKey.load(pem, domain="shop.example", selector="s")


@pytest.mark.parametrize(
    "changes",
    [
        {"dkim_domain": "other.example"},
        {"dkim_domain": "hop.example"},
        {"dkim_rsa_key": "nonsense"},
        {"dkim_ed25519_key": ED25519, "dkim_ed25519_selector": "a b"},
    ],
)
def test_settings_that_could_not_sign_aligned_are_refused(changes):
    with pytest.raises(ValidationError, match="must be") as refused:
        settings_for(25, **changes)

    assert "PRIVATE" not in str(refused.value)


@pytest.fixture
async def signing_shop():
    keys = {"dkim_rsa_key": RSA, "dkim_rsa_selector": "r1", "dkim_ed25519_key": ED25519, "dkim_ed25519_selector": "e1"}
    async with open_shop(**keys) as shop:
        yield shop


async def test_the_command_prints_records_that_a_receiver_can_use(signing_shop, capsys):
    assert await show_dkim(signing_shop.deps(), argparse.Namespace()) == 0

    lines = capsys.readouterr().out.splitlines()
    told = {line.split(". IN TXT ")[0]: "".join(line.split('"')[1::2]) for line in lines}
    assert told == dict(key.record for key in KEYS)


async def test_newsletters_leave_signed_over_their_one_click_headers(signing_shop):
    await signing_shop.subscriber()
    await signing_shop.campaign()

    await signing_shop.send()

    [(_, message)] = signing_shop.sink.messages
    assert [is_genuine(message, number) for number in (0, 1)] == [True, True]
    assert not is_genuine(message.replace(b"List-Unsubscribe-Post: ", b"List-Unsubscribe-Past: "), 0)
    mail = email.message_from_bytes(message, policy=email.policy.default)
    assert mail["Feedback-ID"] == "c-1:offers:newsletter:shop.example"
    assert mail["List-Id"] == "<offers.shop.example>"
    assert mail["Auto-Submitted"] is None
