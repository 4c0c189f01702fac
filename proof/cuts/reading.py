"""What travels, message by message: each splitter is fed bytes, and gives messages with their names.

AMQP 0-9-1 sections 2.3.5 and 1.8; MongoDB wire protocol, OP_MSG; SMTP, RFC 5321.
"""

import struct
from collections.abc import Iterator
from typing import Protocol

Message = tuple[str, bytes]
TO_SERVER, TO_CLIENT = "to server", "to client"


_FRAMES = {
    (TO_SERVER, 60, 40): "publish", (TO_SERVER, 60, 80): "ack",
    (TO_CLIENT, 60, 80): "confirm", (TO_CLIENT, 60, 60): "deliver",
}  # fmt: skip


class Reader(Protocol):
    """Both directions of one connection."""

    def feed(self, direction: str, data: bytes) -> Iterator[Message]:
        """The messages that are complete now."""


class Plain:
    """Nothing has a name."""

    def feed(self, direction: str, data: bytes) -> Iterator[Message]:
        """See `Reader.feed`."""
        yield "", data


class Amqp:
    """`publish`, `content` (its body), `confirm`, `deliver`, `ack`; any other frame has no name."""

    def __init__(self) -> None:
        self._left = {TO_SERVER: b"", TO_CLIENT: b""}

    def feed(self, direction: str, data: bytes) -> Iterator[Message]:
        """See `Reader.feed`."""
        rest = self._left[direction] + data
        while rest:
            size = 8 if rest.startswith(b"AMQP") else 8 + struct.unpack(">I", rest[3:7])[0] if len(rest) >= 7 else 8
            if len(rest) < size:
                break
            frame, rest = rest[:size], rest[size:]
            yield self._name(direction, frame), frame
        self._left[direction] = rest

    def _name(self, direction: str, frame: bytes) -> str:
        if frame[0] == 1:
            kind, method = struct.unpack(">HH", frame[7:11])
            return _FRAMES.get((direction, kind, method), "")
        return "content" if frame[0] == 3 and direction == TO_SERVER else ""


class Mongo:
    """A command by its name (`insert`, `update`, ...), and its answer as `answer to insert`."""

    _OP_MSG = 2013

    def __init__(self) -> None:
        self._left = {TO_SERVER: b"", TO_CLIENT: b""}
        self._asked: dict[int, str] = {}

    def feed(self, direction: str, data: bytes) -> Iterator[Message]:
        """See `Reader.feed`."""
        rest = self._left[direction] + data
        while len(rest) >= 16:
            size, number, answers, code = struct.unpack("<iiii", rest[:16])
            if len(rest) < size:
                break
            message, rest = rest[:size], rest[size:]
            if direction == TO_SERVER:
                self._asked[number] = self._command(message) if code == self._OP_MSG else ""
                yield self._asked[number], message
            else:
                yield f"answer to {self._asked.pop(answers, '')}", message
        self._left[direction] = rest

    @staticmethod
    def _command(message: bytes) -> str:
        """The first key of the body, which is the section of kind 0; it may stand behind sections of documents."""
        at = 20
        while message[at] == 1:
            at += 1 + int(struct.unpack("<i", message[at + 1 : at + 5])[0])
        return message[at + 6 : message.index(b"\0", at + 6)].decode()


class Smtp:
    """`EHLO`, `MAIL`, `RCPT`, `DATA`, `text` (each line), `dot`; and `answer to` each of the commands."""

    def __init__(self) -> None:
        self._left = {TO_SERVER: b"", TO_CLIENT: b""}
        self._in_text = False
        self._asked = ["connect"]

    def feed(self, direction: str, data: bytes) -> Iterator[Message]:
        """See `Reader.feed`."""
        rest = self._left[direction] + data
        while b"\n" in rest:
            line, _, rest = rest.partition(b"\n")
            yield self._name(direction, line.rstrip(b"\r")), line + b"\n"
        self._left[direction] = rest

    def _name(self, direction: str, line: bytes) -> str:
        if direction == TO_CLIENT:
            if line[3:4] == b"-":
                return ""
            asked = self._asked.pop(0) if self._asked else ""
            self._in_text = self._in_text or (asked == "DATA" and line.startswith(b"354"))
            return f"answer to {asked}"
        if self._in_text:
            if line != b".":
                return "text"
            self._in_text = False
            self._asked.append("dot")
            return "dot"
        self._asked.append(line[:4].decode("ascii", "replace").upper())
        return self._asked[-1]
