import asyncio

import pytest

from bench.sink import Sink

ENVELOPE = b"MAIL FROM:<news@example.com>\r\nRCPT TO:<%b>\r\nDATA\r\n"


async def talk(port: int, *, said: bytes, replies: int) -> list[bytes]:
    """Say everything at once, read that many reply lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(5):
        lines = [await reader.readline() for _ in range(replies)]
    writer.close()
    return lines


async def test_a_mail_is_taken_and_counted_for_its_recipient() -> None:
    async with Sink() as sink:
        said = ENVELOPE % b"a@example.com" + b"Subject: x\r\n\r\n..dot\r\n.\r\n"

        replies = await talk(sink.port, said=said, replies=5)

    assert [line[:3] for line in replies] == [b"220", b"250", b"250", b"354", b"250"]
    assert (sink.counts.mails, sink.counts.most_for_one) == (1, 1)


async def test_a_second_copy_for_one_address_is_seen() -> None:
    async with Sink() as sink:
        copy = ENVELOPE % b"a@example.com" + b"\r\nhello\r\n.\r\n"

        await talk(sink.port, said=copy + copy, replies=9)

    assert (sink.counts.mails, sink.counts.most_for_one) == (2, 2)


async def test_a_final_dot_in_pieces_still_ends_the_mail() -> None:
    async with Sink() as sink:
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        async with asyncio.timeout(5):
            writer.write(ENVELOPE % b"a@example.com")
            for _ in range(4):
                await reader.readline()
            for piece in (b"hello\r", b"\n.", b"\r", b"\n"):
                writer.write(piece)
                await writer.drain()
            reply = await reader.readline()
        writer.close()

    assert reply.startswith(b"250")


@pytest.mark.parametrize("said", [b"DATA\r\n", b"MAIL FROM:<n@example.com>\r\nDATA\r\n", b"BDAT 4\r\n"])
async def test_what_a_sender_may_not_do_is_counted(said: bytes) -> None:
    async with Sink() as sink:
        await talk(sink.port, said=said, replies=1 + said.count(b"\r\n"))

    assert sink.counts.mistakes == 1
    assert sink.counts.mails == 0
