"""Which passwords are taken (NIST SP 800-63B-4 section 3.1.1.2): long ones, of any characters, that nobody tries first.

No composition rules. What is on a local list of breached and common passwords is refused, and what an estimate of the
guesses needed (zxcvbn, Wheeler, USENIX Security 2016) finds near the top of such lists.
"""

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore

from services.auth.accounts.passwords import Password
from shared.errors import FieldError, InvalidInput, TransientError

SHORTEST = 15
"""Characters, where the password alone opens the account."""
SHORTEST_BESIDE_A_FACTOR = 8
"""Characters, where it is one of two factors."""
FEWEST_GUESSES = 10**8
JUDGED = 48
"""How many characters are looked at: the estimate of longer texts takes more than linear time."""

_WAITING_MOST = 64
_PARTS_MOST = 40
_TOO_COMMON = "is one of the passwords that are tried first: it was found in what was stolen elsewhere"
_TOO_OBVIOUS = "is too easy to guess; a sentence or a few words that do not belong together are better"
_OWN = "must not be your address, your name or the shop's name"

# What zxcvbn reads as more than one letter, or as the same one: with each sign in one form only, it has few readings
# of a text to try instead of thousands (48 signs take 40 ms at most instead of a second).
_ONE_FORM = str.maketrans("@{[<!|$+", "4(((1157")


def is_long(password: Password) -> bool:
    """Whether it may stand alone, without a second factor."""
    return len(password.reveal()) >= SHORTEST


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the password goes: whether a second factor stands beside it, and which field to name."""

    beside_a_factor: bool = False
    pointer: str = "/password"

    @property
    def shortest(self) -> int:
        """In characters."""
        return SHORTEST_BESIDE_A_FACTOR if self.beside_a_factor else SHORTEST


PLAIN = Rule()


class PasswordRules:
    """Judges new passwords, one at a time, in a thread of its own: the estimate is long computing in pure Python."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="password-rules")
        self._places = BoundedSemaphore(_WAITING_MOST)

    async def check(self, password: Password, *, known: Iterable[str], rule: Rule = PLAIN) -> None:
        """Refuse what is short, and what anybody would try first.

        Args:
            password: as it was typed.
            known: the person's address and name, the shop's name and the like.
            rule: what it is for.

        Raises:
            InvalidInput: names the field; `password-too-short`, `password-too-common` or `password-too-obvious`.
            TransientError: too many are waiting.
        """
        text = password.reveal()
        if len(text) < rule.shortest:
            raise _refused(rule, "password-too-short", f"must have at least {rule.shortest} characters")
        owns = tuple(known)
        if _bare(text) in {_bare(own) for own in _with_local_parts(owns)} - {""}:
            raise _refused(rule, "password-too-obvious", _OWN)
        if not self._places.acquire(blocking=False):
            raise TransientError("too many new passwords are being judged", retry_after_s=2)
        future = self._thread.submit(_judge, text, owns)
        future.add_done_callback(lambda _: self._places.release())
        fault = await asyncio.wrap_future(future)
        if fault is not None:
            raise _refused(rule, *fault)

    def close(self) -> None:
        """Let the thread end; what waits is not begun."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _judge(text: str, owns: Sequence[str]) -> tuple[str, str] | None:
    # Late: 15 MB of word lists, for new passwords only.
    from zxcvbn.matching import RANKED_DICTIONARIES  # type: ignore[import-untyped]  # ships no types

    if text.strip().casefold() in RANKED_DICTIONARIES["passwords"]:
        return "password-too-common", _TOO_COMMON
    if guesses_for(text, owns) < FEWEST_GUESSES:
        return "password-too-obvious", _TOO_OBVIOUS
    return None


def guesses_for(text: str, owns: Sequence[str] = ()) -> int:
    """About how many guesses somebody needs who knows the usual lists and `owns`. Takes up to 0.1 s."""
    from zxcvbn import matching, scoring  # type: ignore[import-untyped]  # ships no types

    # Not the package's own function: it keeps what it was told of the person in a global, which threads share.
    dictionaries = matching.RANKED_DICTIONARIES | {"user_inputs": matching.build_ranked_dict(_parts(owns))}
    judged = text[:JUDGED].translate(_ONE_FORM)
    return int(scoring.most_guessable_match_sequence(judged, matching.omnimatch(judged, dictionaries))["guesses"])


def _refused(rule: Rule, code: str, detail: str) -> InvalidInput:
    return InvalidInput(fields=[FieldError(rule.pointer, code, detail)])


def _parts(owns: Iterable[str]) -> list[str]:
    """Addresses and names, whole and in words, as a guesser would put them together."""
    whole = [own.lower() for own in _with_local_parts(owns)]
    words = [word for own in whole for word in re.split(r"[\W_]+", own) if len(word) > 2]
    return list(dict.fromkeys(part.translate(_ONE_FORM) for part in [*whole, *map(_bare, whole), *words]))[:_PARTS_MOST]


def _with_local_parts(owns: Iterable[str]) -> Iterable[str]:
    for own in owns:
        yield own
        yield own.partition("@")[0]


def _bare(text: str) -> str:
    """Letters and digits alone: "Tokyoflash Japan" and "tokyoflash-japan" are one guess."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
