"""Many documents of one real one: as long, with other ids, keys, times and sealed values; made at the level of bytes.

Sealed values and keys are as random as real ones are, so that nothing is smaller on disk than it would be.
"""

import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import bson

_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
_STRING, _DOCUMENT, _ARRAY, _BINARY, _OBJECT_ID, _DATE = 0x02, 0x03, 0x04, 0x05, 0x07, 0x09
_HEX = bytes(b"0123456789abcdef"[byte % 16] for byte in range(256))
_LETTERS = bytes(b"ABCDEFGHJKMNPQRSTVWXYZ23456789"[byte % 30] for byte in range(256))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value within a document's bytes (bsonspec.org): where, how long, of which type, and the path of its name."""

    path: str
    kind: int
    at: int
    size: int


def leaves(document: bytes, at: int = 0, path: str = "") -> Iterator[Leaf]:
    """Every string, binary value, object id and date, with its place."""
    end = at + struct.unpack_from("<i", document, at)[0] - 1
    at += 4
    while at < end:
        kind = document[at]
        stop = document.index(b"\0", at + 1)
        name, at = f"{path}{document[at + 1 : stop].decode()}", stop + 1
        if kind in (_DOCUMENT, _ARRAY):
            yield from leaves(document, at, f"{name}.")
            at += struct.unpack_from("<i", document, at)[0]
        elif kind in (_STRING, _BINARY):
            size = struct.unpack_from("<i", document, at)[0]
            head = 4 if kind == _STRING else 5
            yield Leaf(name, kind, at + head, size - (kind == _STRING))
            at += head + size
        else:
            size = 8 if kind == _DATE else _FIXED[kind]
            if kind in (_DATE, _OBJECT_ID):
                yield Leaf(name, kind, at, size)
            at += size


class Copies:
    """Documents like these. `pooled`: names of fields that several share, and by how many on the average."""

    def __init__(self, models: Sequence[Mapping[str, Any]], *, pooled: Mapping[str, int], every_s: float) -> None:
        self._models = [bson.encode(model) for model in models]
        self._pooled = pooled
        self._every_ms = int(every_s * 1000)
        self._now_ms = int(time.time() * 1000)
        varying = _varying(self._models)
        self._leaves = [[leaf for leaf in leaves(model) if leaf.path in varying] for model in self._models]

    def make(self, number: int, *, of: int) -> bytes:
        """The copy of that number, from 0, of so many: the last one is of now."""
        place = number % len(self._models)
        copy = bytearray(self._models[place])
        ago_ms = (of - number) * self._every_ms
        for leaf in self._leaves[place]:
            copy[leaf.at : leaf.at + leaf.size] = self._value(copy, leaf, number, ago_ms)
        return bytes(copy)

    def _value(self, copy: bytearray, leaf: Leaf, number: int, ago_ms: int) -> bytes:
        if leaf.kind == _DATE:
            [at] = struct.unpack_from("<q", copy, leaf.at)
            return struct.pack("<q", at - ago_ms)
        if leaf.kind != _STRING:
            return os.urandom(leaf.size)
        old = bytes(copy[leaf.at : leaf.at + leaf.size])
        if leaf.path in self._pooled:
            return _of_pool(old, number // self._pooled[leaf.path])
        return _like(old, self._now_ms - ago_ms)


def _varying(encoded: Sequence[bytes]) -> set[str]:
    """Paths whose values differ from document to document: not those of a state, a currency, a country."""
    seen: dict[str, set[bytes]] = {}
    count: dict[str, int] = {}
    for model in encoded:
        for leaf in leaves(model):
            seen.setdefault(leaf.path, set()).add(model[leaf.at : leaf.at + leaf.size])
            count[leaf.path] = count.get(leaf.path, 0) + 1
    return {path for path, values in seen.items() if len(values) > 0.5 * count[path] and len(values) > 1} | {"_id"}


def _of_pool(old: bytes, member: int) -> bytes:
    """As long as the old one; the same for the same member, and in no order."""
    digest = blake2b(str(member).encode(), digest_size=64).hexdigest().encode()
    return _with_hyphens(old, (digest * (len(old) // 128 + 1))[: len(old)])


def _like(old: bytes, at_ms: int) -> bytes:
    """Random characters of the same sort; an id that begins with its time begins with this one."""
    if len(old) >= 36 and old[14:15] == b"7" and old[8:9] == old[13:14] == b"-":
        stamp = f"{at_ms:012x}".encode()
        return stamp[:8] + b"-" + stamp[8:] + b"-7" + _random(old[15:], _HEX)
    is_hex = all(byte in b"0123456789abcdef-" for byte in old)
    return _random(old, _HEX if is_hex else _LETTERS)


def _random(old: bytes, alphabet: bytes) -> bytes:
    return _with_hyphens(old, os.urandom(len(old)).translate(alphabet))


def _with_hyphens(old: bytes, new: bytes) -> bytes:
    if b"-" not in old:
        return new
    return bytes(45 if before == 45 else after for before, after in zip(old, new, strict=True))
