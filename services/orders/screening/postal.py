"""One form for a postal address, however it is written: what two spellings of one place have in common, and no more.

A block, and the count of tries, must hold for the place and not for its spelling. The price is that a few places share
a form: streets whose letters are the same in another order, at the same numbers in the same town and postcode.
"""

import re
import unicodedata
from collections.abc import Sequence

from services.orders.persons import ShippingAddress

_WORDS = {
    "avenue": "av", "ave": "av", "boulevard": "blvd", "building": "bldg", "court": "ct", "drive": "dr", "east": "e",
    "floor": "fl", "highway": "hwy", "lane": "ln", "north": "n", "parkway": "pkwy", "place": "pl", "road": "rd",
    "saint": "st", "south": "s", "square": "sq", "street": "st", "terrace": "ter", "west": "w",
}  # fmt: skip
"""Long words and what is written for them: the commonest of USPS Publication 28, and of German towns."""
_ENDINGS = (("strasse", "str"), ("platz", "pl"))
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""German without its dots, which the decomposition takes away: Müller, Mueller and Muller are one."""
_NOISE = frozenset({"apartment", "apt", "flat", "hausnummer", "no", "nr", "number", "nummer", "suite", "ste", "unit"})
"""Said of a number, or left out."""
_JAPANESE_SIGNS = str.maketrans(dict.fromkeys("丁目番地号室の之ノ階ー", " ") | {"ヶ": "ケ"})
"""What stands between the numbers of a Japanese address, where there are no dashes."""
_KANJI_NUMBER = re.compile("[一二三四五六七八九十]{1,3}(?=丁目|番|号|階)")
_KANJI_DIGITS = {sign: value for value, sign in enumerate("一二三四五六七八九", start=1)}
_IN_CARE_OF = re.compile(r"(?<!\w)(?:c/o|care of|attn|z\. ?hd)(?!\w)[^\d,;]*(?=[,;]|$)|[^\s\d]*様方")
"""Who is asked for at the place; where a number follows, it may be the street's, and all of it stays."""
_PARTS = re.compile(r"\d+|[^\W\d_]+")


def postal_form(shipping: ShippingAddress) -> str:
    """The address less what people write in many ways.

    That is: who is asked for there (`c/o`), case, width, accents and umlauts, signs and spaces, words written short,
    the order of words and lines, in which line a part stands, and whether the number of the house comes before or
    behind the street.
    """
    written = [_plain(line) for line in (shipping.line1, shipping.line2 or "")]
    places = [_IN_CARE_OF.sub("", line) for line in written]
    letters, numbers = _parts(*(places if any(map(_PARTS.search, places)) else written))
    town, _ = _parts(_plain(shipping.city))
    postcode = "".join(char for char in shipping.postcode.casefold() if char.isalnum())
    street = "".join(sorted("".join(letters)))
    return "|".join([shipping.country, postcode, "".join(sorted("".join(town))), street, " ".join(_turned(numbers))])


def _parts(*lines: str) -> tuple[Sequence[str], Sequence[str]]:
    """The words of plain lines in short, and their numbers."""
    found = [part for line in lines for part in _PARTS.findall(line)]
    numbers = [str(int(part)) for part in found if part.isdecimal()]
    return [_short(part) for part in found if not part.isdecimal() and part not in _NOISE], numbers


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return _KANJI_NUMBER.sub(_in_digits, bare).translate(_JAPANESE_SIGNS)


def _in_digits(found: re.Match[str]) -> str:
    """A number up to 99 in Chinese numerals: 十二 is 12."""
    tens, ten, ones = found[0].rpartition("十")
    return str((_KANJI_DIGITS.get(tens, 1) * 10 if ten else 0) + _KANJI_DIGITS.get(ones, 0))


def _short(word: str) -> str:
    for long, short in _ENDINGS:
        if word.endswith(long):
            word = word.removesuffix(long) + short
    word = _WORDS.get(word, word)
    for pair, one in _UMLAUTS:
        word = word.replace(pair, one)
    return word


def _turned(numbers: Sequence[str]) -> Sequence[str]:
    """The least turn of the row: "12, flat 4" and "flat 4, 12" are one place, 1-2-3 and 3-2-1 are two."""
    return min((tuple(numbers[at:]) + tuple(numbers[:at]) for at in range(len(numbers))), default=())
