import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from deploy.local.mailbox import open_smtp
from deploy.local.mails import MailStore
from deploy.local.mails_page import build_app


def a_mail(*, to: str = "ann@example.com", subject: str = "Receipt", html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", to, subject
    mail["Message-ID"] = "<1@shop.example.com>"
    mail.set_content("Thank you. https://localhost:8443/orders/1?t=<b>\n")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def keep(store: MailStore, mail: EmailMessage) -> str:
    return store.add(mail.as_bytes(), to=[str(mail["To"])], sender="bounce@example.com")


@pytest.fixture
def store(tmp_path: Path) -> MailStore:
    return MailStore(tmp_path)


@pytest.fixture
async def page(store: MailStore) -> AsyncIterator[TestClient[Request, Application]]:
    async with TestClient(TestServer(build_app(store))) as client:
        yield client


async def test_a_mail_by_smtp_becomes_a_file(store: MailStore, tmp_path: Path) -> None:
    async with open_smtp(store, port=0) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.to_thread(send, port, a_mail())

    [file] = tmp_path.glob("*")
    assert file.suffix == ".eml"
    assert file.read_bytes().startswith(b"Return-Path: <shop@example.com>\r\nDelivered-To: ann@example.com\r\nFrom:")


def send(port: int, mail: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail)


def test_names_sort_by_arrival(store: MailStore) -> None:
    names = [keep(store, a_mail(subject=str(number))) for number in range(20)]

    assert store.names() == names
    assert store.names(since=names[17]) == names[18:]


def test_mails_are_found_by_address_whatever_its_case(store: MailStore) -> None:
    keep(store, a_mail(to="Ann@example.com"))
    keep(store, a_mail(to="bob@example.com"))

    assert [mail.to for mail in store.mails(to="ann@Example.com")] == ["Ann@example.com"]


async def test_messages_tell_subject_recipient_id_and_text(
    page: TestClient[Request, Application], store: MailStore
) -> None:
    name = keep(store, a_mail())

    [mail] = await (await page.get("/api/messages", params={"to": "ann@example.com"})).json()

    assert (mail["name"], mail["subject"], mail["to"]) == (name, "Receipt", "ann@example.com")
    assert mail["message_id"] == "<1@shop.example.com>"
    assert mail["text"].startswith("Thank you.")
    assert await (await page.get("/api/messages", params={"since": name})).json() == []


async def test_the_page_shows_markup_of_a_mail_as_text(
    page: TestClient[Request, Application], store: MailStore
) -> None:
    name = keep(store, a_mail(subject="<script>alert(1)</script>"))

    listed, shown = await (await page.get("/")).text(), await (await page.get(f"/mails/{name}")).text()

    assert "<script>" not in listed + shown
    assert '<a href="https://localhost:8443/orders/1?t=" rel="noreferrer">' in shown


async def test_the_html_part_is_sandboxed(page: TestClient[Request, Application], store: MailStore) -> None:
    name = keep(store, a_mail(html="<p>Hello</p>"))

    response = await page.get(f"/mails/{name}/html")

    assert "<p>Hello</p>" in await response.text()
    assert response.headers["Content-Security-Policy"].startswith("sandbox allow-popups allow-popups-to-escape")


@pytest.mark.parametrize("name", ["none.eml", "..%2F..%2Fetc%2Fpasswd", "..%2Fx.eml"])
async def test_a_mail_that_is_not_there_is_not_found(page: TestClient[Request, Application], name: str) -> None:
    assert (await page.get(f"/mails/{name}")).status == 404


async def test_a_mail_in_an_unknown_charset_can_still_be_read(store: MailStore) -> None:
    raw = b"Subject: Hi\r\nContent-Type: text/plain; charset=x-none\r\n\r\nHello\r\n"

    name = store.add(raw, to=["ann@example.com"], sender="")

    assert store.get(name).text == "Hello\r\n"
