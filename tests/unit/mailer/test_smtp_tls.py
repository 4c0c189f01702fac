"""Against another implementation of the server's side, with certificates made for the test."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.pool import RelayPool
from services.mailer.smtp.session import Envelope, Outcome

TO_ANN = Envelope("news@shop.example", "ann@example.org")
# aiosmtpd knows of no TLS that was there before it.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
MAIL = b"Subject: x\r\n\r\nhello\r\n"


class Taken:
    """What the server has taken, and how its clients logged in."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.logins: list[tuple[str, bytes, bytes]] = []

    async def handle_DATA(self, server, session, envelope):
        self.recipients += envelope.rcpt_tos
        return "250 taken"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((mechanism, data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


def context_of(certificate: Path, *, suites: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if suites:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suites)
    return context


@asynccontextmanager
async def relay(scheme: str, context: ssl.SSLContext, certificate: Path, *, password="right", methods=(), ca=True):
    """A pool, and what its relay has taken."""
    taken, loop = Taken(), asyncio.get_running_loop()
    login = {"authenticator": taken.authenticate, "auth_required": True, "auth_exclude_mechanism": methods}

    def connection() -> SMTP:
        if scheme == "smtps":
            return SMTP(taken, loop=loop, **login, auth_require_tls=False)
        return SMTP(taken, loop=loop, **login, tls_context=context, require_starttls=True)

    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context if scheme == "smtps" else None)
    port = server.sockets[0].getsockname()[1]
    url = f"{scheme}://shop%40x:{password}@127.0.0.1:{port}"
    address = RelayAddress.parse(url, ca_file=str(certificate) if ca else "")
    pool = RelayPool(address, size=1, hello="mailer.example", timeout_s=5, dot_timeout_s=5)
    try:
        yield pool, taken
    finally:
        await pool.close()
        server.close()


async def yes() -> bool:
    return True


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.parametrize(("excluded", "method"), [((), "PLAIN"), (("PLAIN",), "LOGIN")])
async def test_mail_goes_encrypted_and_logged_in_over_one_connection(certificate, scheme, excluded, method):
    async with relay(scheme, context_of(certificate), certificate, methods=excluded) as (pool, taken):
        outcomes = [(await pool.deliver(TO_ANN, MAIL, before_dot=yes)).outcome for _ in range(3)]

    assert outcomes == [Outcome.ACCEPTED] * 3
    assert taken.recipients == ["ann@example.org"] * 3
    assert taken.logins == [(method, b"shop@x", b"right")]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_wrong_password_is_no_mail(certificate, scheme):
    async with relay(scheme, context_of(certificate), certificate, password="wrong") as (pool, taken):
        delivery = await pool.deliver(TO_ANN, MAIL, before_dot=yes)

    assert delivery.outcome is Outcome.UNREACHABLE
    assert taken.recipients == []


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_mail(certificate, scheme):
    async with relay(scheme, context_of(certificate), certificate, ca=False) as (pool, taken):
        delivery = await pool.deliver(TO_ANN, MAIL, before_dot=yes)

    assert delivery.outcome is Outcome.UNREACHABLE
    assert (taken.logins, taken.recipients) == ([], [])


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_relay_that_has_only_128_bits_gets_nothing(certificate, scheme):
    context = context_of(certificate, suites="ECDHE-ECDSA-AES128-GCM-SHA256")
    async with relay(scheme, context, certificate) as (pool, taken):
        delivery = await pool.deliver(TO_ANN, MAIL, before_dot=yes)

    assert delivery.outcome is Outcome.UNREACHABLE
    assert (taken.logins, taken.recipients) == ([], [])


async def test_a_relay_without_starttls_gets_no_password_in_clear():
    taken, loop = Taken(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(taken, loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = RelayAddress.parse(f"smtp+starttls://shop:right@127.0.0.1:{port}")
    pool = RelayPool(address, size=1, hello="mailer.example", timeout_s=5)

    delivery = await pool.deliver(TO_ANN, MAIL, before_dot=yes)

    server.close()
    assert delivery.outcome is Outcome.UNREACHABLE
    assert taken.recipients == []
