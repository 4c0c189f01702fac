"""Where is looked: every file of the stack, what its processes were told, and nameless files that they hold open."""

import email
import email.policy
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

LEFT_OUT = frozenset({"audit", "keys", "tls"})
"""The audit's own reports; keys and certificates, which hold nothing of anybody."""
_PIECE = 1 << 22
Key = TypeVar("Key")


def files_of(base: Path) -> Iterator[Path]:
    """Every file of a stack but mails: databases, journal, oplog, broker, logs, temporary files, cores."""
    for folder, names, files in os.walk(base):
        if Path(folder) == base:
            names[:] = [name for name in names if name not in LEFT_OUT | {"mail"}]
        yield from (Path(folder, name) for name in files)


def in_file(path: Path, wanted: Mapping[Key, bytes]) -> set[Key]:
    """Which needles a file holds; none where it is gone by now."""
    found: set[Key] = set()
    overlap = max(map(len, wanted.values())) - 1
    before = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                if piece.count(0) < len(piece):  # databases and brokers make room ahead: nothing but zeros
                    text = before + piece
                    found |= {name for name, needle in wanted.items() if needle in text}
                before = piece[-overlap:]
    except OSError:
        pass
    return found


def in_process(pid: int, wanted: Mapping[Key, bytes]) -> set[tuple[str, Key]]:
    """Where a process was told a needle: in its arguments, its environment, and files without a name that it holds."""
    found: set[tuple[str, Key]] = set()
    for told in ("cmdline", "environ"):
        try:
            text = Path(f"/proc/{pid}/{told}").read_bytes()
        except OSError:
            continue
        found |= {(f"{told} of {pid}", name) for name, needle in wanted.items() if needle in text}
    for path in _open_files(pid):
        found |= {(f"deleted file of {pid}", name) for name in in_file(path, wanted)}
    return found


def _open_files(pid: int) -> Iterator[Path]:
    """Files that are open and have no name any more: what a process put aside."""
    try:
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return
    for handle in handles:
        try:
            if os.readlink(handle).endswith(" (deleted)") and handle.is_file():
                yield handle
        except OSError:
            continue


def pids_of(data: Mapping[str, Any]) -> list[int]:
    """Every process of a stack, from its stack.json, with the children of each."""
    rows = [row for group in (data["services"], data["parts"]) for row in group.values()]
    return descendants([pid for row in rows for pid in row["pids"]])


def descendants(roots: Sequence[int]) -> list[int]:
    """These processes with the children of each."""
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:
            continue
    return found


def dumps_core(pid: int) -> bool:
    """Whether a crash of the process would leave its memory in a file."""
    for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4] != "0"
    return True


def read_mail(path: Path) -> tuple[str, str]:
    """To whom a mail was delivered, and all of its text: headers and parts, as they are read."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    texts = [str(value) for value in message.values()]
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            texts.append(payload.decode("utf-8", "replace"))
    return ", ".join(map(str, message.get_all("Delivered-To", []))), "\n".join(texts)
