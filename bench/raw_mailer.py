"""Raw prototype of a newsletter run: claim a batch, open it, splice each copy, mark the dot, hand over, note it.

A claim is one conditional write on the subscriber's document that checks state, topic, month, count and issue
together; the mark before the final dot and the result are conditional on the claim, and connections that wait together
share one write. Connections are kept open, and the envelope is pipelined.
"""

import asyncio
import base64
import hmac
import os
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.raw_parts import now, open_database, run

CONNECTIONS = 8
BATCH = 1000
TOKYO = ZoneInfo("Asia/Tokyo")
CAP = {11: 3, 12: 3}
EDGE = timedelta(hours=26)
BOUNDARY = b"=_0123456789abcdef01234567"


def months_at(at: datetime) -> list[str]:
    """Every month that a copy sent now may arrive in."""
    return sorted({f"{moment.astimezone(TOKYO):%Y-%m}" for moment in (at - EDGE, at, at + EDGE)})


class Claims:
    def __init__(self, database: Any, campaign: str) -> None:
        self._subscribers = database["subscribers"]
        self._keys = database["data_keys"]
        self._campaign = campaign
        self._kek = AESGCM(bytes.fromhex(os.environ["RAW_SECRET"]))
        self._after = ""

    async def next(self) -> list[tuple[str, str, str, str]]:
        """The next batch: id, fence, name, address."""
        at, fence = now(), secrets.token_urlsafe(12)
        months = months_at(at)
        caps = {f"months.{month}": {"$not": {"$gte": CAP.get(int(month[5:]), 1)}} for month in months}
        free = {
            "state": "confirmed", "topics": "offers", "live": None, "issues.campaign": {"$ne": self._campaign}, **caps,
        }  # fmt: skip
        found = self._subscribers.find(free | {"_id": {"$gt": self._after}}, {"_id": 1}).sort("_id", 1).limit(BATCH)
        ids = [document["_id"] for document in await found.to_list(None)]
        if not ids:
            return []
        self._after = ids[-1]
        live = {
            "campaign": self._campaign,
            "run": "raw",
            "fence": fence,
            "stage": "claimed",
            "months": months,
            "at": at,
        }
        counted = {f"months.{month}": 1 for month in months}
        await self._subscribers.update_many(free | {"_id": {"$in": ids}}, {"$set": {"live": live}, "$inc": counted})
        claimed = await self._subscribers.find(
            {"_id": {"$in": ids}, "live.fence": fence}, {"email": 1, "name": 1}
        ).to_list(None)
        keys = {row["_id"]: row["box"] for row in await self._keys.find({"_id": {"$in": ids}}).to_list(None)}
        return [self._opened(document, keys[document["_id"]], fence) for document in claimed]

    def _opened(self, document: dict[str, Any], box: bytes, fence: str) -> tuple[str, str, str, str]:
        who = document["_id"]
        aes = AESGCM(self._kek.decrypt(box[:12], box[12:], who.encode()))

        def opened(field: str) -> str:
            sealed = document[field]
            return aes.decrypt(sealed[:12], sealed[12:], f"subscribers|{field}|{who}".encode()).decode()

        return who, fence, opened("name"), opened("email")

    async def mark_dot(self, rows: Sequence[tuple[str, str]]) -> list[bool]:
        for fence, ids in _by_fence(rows).items():
            wanted = {"_id": {"$in": ids}, "live.fence": fence, "live.stage": "claimed"}
            done = await self._subscribers.update_many(
                wanted, {"$set": {"live.stage": "dot", "live.mark": secrets.token_urlsafe(9)}}
            )
            if done.matched_count != len(ids):
                raise RuntimeError("a claim was lost")
        return [True] * len(rows)

    async def accepted(self, rows: Sequence[tuple[str, str]]) -> list[bool]:
        entry = {"campaign": "$live.campaign", "result": "accepted", "at": now()}
        change = [
            {"$set": {"issues": {"$concatArrays": [{"$ifNull": ["$issues", []]}, [entry]]}}}, {"$unset": "live"},
        ]  # fmt: skip
        for fence, ids in _by_fence(rows).items():
            await self._subscribers.update_many({"_id": {"$in": ids}, "live.fence": fence}, change)
        return [True] * len(rows)


def _by_fence(rows: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    fences: dict[str, list[str]] = defaultdict(list)
    for who, fence in rows:
        fences[fence].append(who)
    return fences


class Shared:
    """Callers that arrive together share one call."""

    def __init__(self, work: Callable[[Sequence[tuple[str, str]]], Awaitable[list[bool]]]) -> None:
        self._work = work
        self._waiting: list[tuple[tuple[str, str], asyncio.Future[bool]]] = []
        self._busy = False

    async def submit(self, row: tuple[str, str]) -> bool:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if not self._busy:
            self._busy = True
            self._task = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting, []
            answers = await self._work([row for row, _ in batch])
            for (_, done), answer in zip(batch, answers, strict=True):
                done.set_result(answer)
        self._busy = False


class Smtp:
    """A connection that is kept open; the envelope goes out in one packet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Smtp":
        smtp = cls(*await asyncio.open_connection("127.0.0.1", port))
        await smtp._expect(b"220")
        smtp._writer.write(b"EHLO example.com\r\n")
        await smtp._expect(b"250")
        return smtp

    async def begin(self, recipient: str) -> None:
        self._writer.write(_envelope(recipient))
        await self._expect_text_wanted()

    async def finish(self, message: bytes, *, ahead: str = "") -> None:
        """`ahead`: the recipient of the next mail, whose envelope goes along behind the dot."""
        text = message.replace(b"\n.", b"\n..") + b".\r\n"
        self._writer.write(text + _envelope(ahead) if ahead else text)
        await self._expect(b"250")
        if ahead:
            await self._expect_text_wanted()

    async def _expect_text_wanted(self) -> None:
        for code in (b"250", b"250", b"354"):
            await self._expect(code)

    async def _expect(self, code: bytes) -> None:
        async with asyncio.timeout(60):
            while True:
                line = await self._reader.readuntil(b"\n")
                if not line.startswith(code):
                    raise RuntimeError("the relay refused")
                if line[3:4] != b"-":
                    return


def _envelope(recipient: str) -> bytes:
    return f"MAIL FROM:<news@example.com>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode("ascii")


class Copies:
    """The mail, built once, and what differs from one recipient to the next."""

    def __init__(self, campaign: str, link_key: bytes) -> None:
        self._campaign = campaign
        self._link_key = link_key

    def write(self, who: str, name: str, email: str, at: datetime) -> bytes:
        mac = hmac.digest(self._link_key, who.encode(), "sha256")[:16]
        token = base64.urlsafe_b64encode(bytes(11) + bytes.fromhex(who) + mac).decode().rstrip("=")
        link = f"https://localhost:8443/newsletter/unsubscribe?t={token}"
        shown = Header(name, "us-ascii" if name.isascii() else "utf-8", header_name="To").encode(linesep="\r\n")
        head = (
            f"To: {shown} <{email}>\r\nDate: {format_datetime(at)}\r\nMessage-ID: <{self._campaign}.{who}@example.com>"
            "\r\nFrom: Tokyoflash Japan <news@example.com>\r\nSubject: New watches\r\nList-Id: <offers.example.com>\r\n"
            f"List-Unsubscribe: <{link}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
        ).encode("ascii")
        message = head + _BODY_0 + _quoted(name) + _BODY_1 + _quoted(link) + _BODY_2
        message += _quoted(escape(name)) + _BODY_3 + _quoted(escape(link)) + _BODY_4
        if message.count(_quoted(link)) < 2:
            raise RuntimeError("the link is missing")
        return message


def _quoted(text: str) -> bytes:
    """Quoted-printable, in pieces that fit a line."""
    encoded = b"".join(b"%c" % byte if 32 <= byte < 127 and byte != 61 else b"=%02X" % byte for byte in text.encode())
    return b"=\r\n".join(encoded[at : at + 70] for at in range(0, len(encoded), 70))


_PART = (
    b"\r\n--" + BOUNDARY + b"\r\nContent-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
)
_PROSE = 12 * b"A new watch has arrived, and it shows the time in lines of light.\r\n"
_BODY_0 = (
    b'Content-Type: multipart/alternative; boundary="' + BOUNDARY + b'"\r\n' + _PART % b"plain" + b"\r\n\r\nHello "
)
_BODY_1 = b",\r\n\r\n" + _PROSE + b"\r\nUnsubscribe: =\r\n"
_BODY_2 = b"\r\n" + _PART % b"html" + b"\r\n\r\n<!doctype html><html><body><p>Hello "
_BODY_3 = b",</p><p>" + _PROSE + b'</p><p><a href=3D"=\r\n'
_BODY_4 = b'">Unsubscribe</a></p></body></html>\r\n\r\n--' + BOUNDARY + b"--\r\n"


async def main() -> None:
    campaign = os.environ["RAW_CAMPAIGN"]
    claims = Claims(open_database(), campaign)
    copies = Copies(campaign, bytes.fromhex(os.environ["RAW_SECRET"]))
    marks, results = Shared(claims.mark_dot), Shared(claims.accepted)
    idle = [await Smtp.open(int(os.environ["RAW_SMTP_PORT"])) for _ in range(CONNECTIONS)]
    places = asyncio.Semaphore(CONNECTIONS)
    waiting: asyncio.Queue[tuple[str, str, str, str] | None] = asyncio.Queue(BATCH)

    async def work() -> None:
        while (row := await waiting.get()) is not None:
            who, fence, name, email = row
            message = copies.write(who, name, email, now())
            async with places:
                smtp = idle.pop()
                await smtp.begin(email)
                await marks.submit((who, fence))
                await smtp.finish(message)
                idle.append(smtp)
            await results.submit((who, fence))
        await waiting.put(None)

    async def feed() -> None:
        while batch := await claims.next():
            for row in batch:
                await waiting.put(row)
        await waiting.put(None)

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        for _ in range(2 * CONNECTIONS):
            group.create_task(work())


if __name__ == "__main__":
    run(main())
