"""The proxy: it names what travels, passes it on unchanged, and cuts where it is told to and nowhere else."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator

import pytest

from proof.cuts.proxy import NEVER, Cut, Proxy, running
from proof.cuts.reading import TO_CLIENT, TO_SERVER, Amqp, Mongo, Plain, Reader, Smtp

PUBLISH, CONFIRM, ACK = (60, 40), (60, 80), (60, 80)


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


def method(number: tuple[int, int]) -> bytes:
    return frame(1, struct.pack(">HH", *number) + b"rest")


def command(name: str, number: int, *, documents: bytes = b"") -> bytes:
    first = b"\x01" + struct.pack("<i", 4 + len(documents)) + documents if documents else b""
    body = b"\x00" + struct.pack("<i", 20) + b"\x02" + name.encode() + b"\0" + b"\x01\0\0\0\0"
    return struct.pack("<iiii", 20 + len(first) + len(body), number, 0, 2013) + b"\0\0\0\0" + first + body


def named(reader: Reader, direction: str, data: bytes, *, piece: int) -> list[str]:
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    found = [each for part in pieces for each in reader.feed(direction, part)]
    assert b"".join(message for _, message in found) == data
    return [name for name, _ in found]


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_frames_of_amqp_are_named_however_they_arrive(piece: int) -> None:
    reader = Amqp()
    sent = b"AMQP\0\0\x09\x01" + method(PUBLISH) + frame(2, b"header") + frame(3, b"body") + method(ACK)

    assert named(reader, TO_SERVER, sent, piece=piece) == ["", "publish", "", "content", "ack"]
    assert named(reader, TO_CLIENT, method(CONFIRM) + method((60, 60)), piece=piece) == ["confirm", "deliver"]


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_commands_of_mongo_and_their_answers_are_named(piece: int) -> None:
    reader = Mongo()
    answers = struct.pack("<iiii", 18, 9, 2, 2013) + b"ok" + struct.pack("<iiii", 18, 9, 1, 2013) + b"ok"

    sent = command("find", 1) + command("update", 2, documents=b"many")
    assert named(reader, TO_SERVER, sent, piece=piece) == ["find", "update"]
    assert named(reader, TO_CLIENT, answers, piece=piece) == ["answer to update", "answer to find"]


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_steps_of_smtp_are_named(piece: int) -> None:
    reader = Smtp()

    assert named(reader, TO_CLIENT, b"220 here\r\n", piece=piece) == ["answer to connect"]
    assert named(reader, TO_SERVER, b"EHLO a\r\n", piece=piece) == ["EHLO"]
    assert named(reader, TO_CLIENT, b"250-a\r\n250 b\r\n", piece=piece) == ["", "answer to EHLO"]
    assert named(reader, TO_SERVER, b"DATA\r\n", piece=piece) == ["DATA"]
    assert named(reader, TO_CLIENT, b"354 go\r\n", piece=piece) == ["answer to DATA"]
    assert named(reader, TO_SERVER, b"MAIL no command\r\n..\r\n.\r\n", piece=piece) == ["text", "text", "dot"]
    assert named(reader, TO_CLIENT, b"250 ok\r\n", piece=piece) == ["answer to dot"]


@pytest.fixture
async def echo() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers each line with `250 ok`, and what it got."""
    got: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            got.append(line)
            writer.write(b"250 ok\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], got


async def said(port: int, *lines: bytes) -> list[bytes]:
    """The answers to these lines, up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for line in lines:
        writer.write(line)
        answers.append(await asyncio.wait_for(reader.readline(), 10))
        if not answers[-1]:
            break
    writer.close()
    return answers


@pytest.mark.parametrize(
    ("when", "name", "answers", "arrived"),
    [
        ("before", "RCPT", 1, 1),
        ("after", "RCPT", 1, 2),
        ("before", "answer to MAIL", 1, 2),
        ("after", "answer to MAIL", 2, 2),
        ("before", "nothing of that name", 2, 2),
    ],
)
async def test_it_cuts_where_it_is_told_to(
    echo: tuple[int, list[bytes]], when: str, name: str, answers: int, arrived: int
) -> None:
    port, got = echo
    cut = Cut(name, when, chance=1.0, most=1)  # type: ignore[arg-type]

    with running(Proxy(("127.0.0.1", port), Smtp, cut, random.Random(1))) as proxy:
        first = await said(proxy.port, b"MAIL a\r\n", b"RCPT b\r\n")
        assert len([line for line in first if line]) == answers
        assert len(got) == arrived
        again = await said(proxy.port, b"MAIL a\r\n", b"RCPT b\r\n")

    assert again == [b"250 ok\r\n"] * 2
    assert proxy.history == ([] if "nothing" in name else [f"{when} {name} number 1"])


async def test_the_same_seed_cuts_the_same_messages(echo: tuple[int, list[bytes]]) -> None:
    histories = []
    for _ in range(2):
        proxy = Proxy(("127.0.0.1", echo[0]), Smtp, Cut("MAIL", "before"), random.Random(7))
        with running(proxy):
            for _ in range(20):
                await said(proxy.port, b"MAIL a\r\n")
        histories.append(proxy.history)

    assert histories[0] == histories[1] != []


async def test_what_travels_through_a_slow_proxy_arrives_whole_and_late(echo: tuple[int, list[bytes]]) -> None:
    port, got = echo
    loop = asyncio.get_running_loop()

    with running(Proxy(("127.0.0.1", port), Plain, NEVER, random.Random(1), delay_s=(0.1, 0.2))) as proxy:
        begun = loop.time()
        answers = await said(proxy.port, b"MAIL a\r\n", b"RCPT b\r\n")

    assert answers == [b"250 ok\r\n"] * 2
    assert got == [b"MAIL a\r\n", b"RCPT b\r\n"]
    assert loop.time() - begun >= 4 * 0.1  # each of the four waits for so long at least
    assert proxy.history == []
