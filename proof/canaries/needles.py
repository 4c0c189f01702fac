"""Canaries, and what is looked for: each spelling in which a program may have kept one."""

import base64
import codecs
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping

LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowel: no word, no name, and no hexadecimal digits alone
_ROOT, _OWN = 11, 4


class Canaries:
    """The canaries of one run: all begin with the same letters, so that one search finds them all.

    Letters only, and the first one may be written large: a name, an address and a password take them.
    """

    def __init__(self) -> None:
        self.root = _word(_ROOT)
        self._of: dict[str, str] = {}

    def __getitem__(self, what: str) -> str:
        """The canary for one use, such as `order city`; the same each time."""
        if what not in self._of:
            self._of[what] = self.root.capitalize() + _word(_OWN)
        return self._of[what]

    def __len__(self) -> int:
        return len(self._of)

    @property
    def uses(self) -> Mapping[str, str]:
        """What each canary was for, by its own letters."""
        return {value[_ROOT:]: what for what, value in self._of.items()}

    def named_in(self, text: str) -> set[str]:
        """The uses of the canaries in a text."""
        parts = text.lower().split(self.root)[1:]
        return {self.uses.get(part[:_OWN], f"?{part[:_OWN]}") for part in parts}


def _word(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal upper": lambda text: text.encode().hex().upper(),
    "percent": lambda text: "".join(f"%{ord(sign):02X}" for sign in text),
    "json": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "entities": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "quoted-printable": lambda text: "".join(f"={ord(sign):02X}" for sign in text),
    "backwards": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "full-width": lambda text: "".join(chr(ord(sign) + 0xFEE0) for sign in text),
    "base32": lambda text: base64.b32encode(text.encode()).decode().rstrip("=")[:-2],
}


def needles(root: str) -> dict[str, bytes]:
    """What to look for to find any canary of a run, by how it was written."""
    inner = root[1:]  # the first letter may have been made large or small
    found = {name: spell(inner).encode() for name, spell in SPELLINGS.items() if name != "base32"}
    for shift in range(5):  # in a longer text base32 and base64 look otherwise, by what stands before
        text = b"." * shift + inner.encode()
        if shift < 3:
            found[f"base64+{shift}"] = base64.b64encode(text)[4 if shift else 0 : -4]
        found[f"base32+{shift}"] = base64.b32encode(text)[8 if shift else 0 : -8]
    for name in ("utf-16-le", "utf-16-be", "utf-32-le"):
        found[name] = inner.encode(name)
    return found


def digests(values: Iterable[str]) -> dict[str, bytes]:
    """What anybody could compute of a whole value, and so find out which it was."""
    found: dict[str, bytes] = {}
    for value in values:
        for text in {value, value.lower()}:
            for name in ("md5", "sha1", "sha256"):
                digest = hashlib.new(name, text.encode(), usedforsecurity=False)
                found |= {
                    f"{name} of {value}": digest.digest(),
                    f"{name} of {value} in digits": digest.hexdigest().encode(),
                }
    return found
