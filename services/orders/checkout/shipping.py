"""Where the shop ships to, and what it costs: one price a zone, in minor units. Tax is left out of this slice."""

from functools import cache

from babel import Locale

_ASIA = frozenset({"CN", "HK", "ID", "IN", "KR", "MO", "MY", "PH", "SG", "TH", "TW", "VN"})
_EUROPE = frozenset({
    "AD", "AL", "AT", "BA", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FO", "FR", "GB", "GG", "GI",
    "GR", "HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO",
    "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "UA", "VA", "XK",
})  # fmt: skip
_RATES: dict[str, dict[str, int]] = {
    "japan": {"JPY": 800, "USD": 600, "EUR": 500},
    "asia": {"JPY": 1_800, "USD": 1_300, "EUR": 1_200},
    "europe": {"JPY": 2_400, "USD": 1_700, "EUR": 1_500},
    "world": {"JPY": 2_600, "USD": 1_800, "EUR": 1_700},
}
# Codes that Babel lists beside those of countries: unions, pseudo-locales, "unknown".
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


@cache
def countries(language: str = "en") -> dict[str, str]:
    """Names by ISO 3166-1 alpha-2 code, in the order of their names."""
    names = Locale.parse(language).territories
    known = {code: name for code, name in names.items() if len(code) == 2 and code not in _NO_COUNTRIES}
    return dict(sorted(known.items(), key=lambda row: row[1]))


def zone_of(country: str) -> str:
    """The shipping zone of a country."""
    if country == "JP":
        return "japan"
    if country in _ASIA:
        return "asia"
    return "europe" if country in _EUROPE else "world"


def shipping_minor(country: str, currency: str) -> int:
    """What a parcel costs, however much is in it."""
    return _RATES[zone_of(country)][currency]


def rates(currency: str) -> dict[str, int]:
    """What a parcel costs by zone."""
    return {zone: prices[currency] for zone, prices in _RATES.items()}
