"""Where the shop ships to, and what it costs: by zone and weight, in minor units."""

from functools import cache

from babel import Locale

_ASIA = frozenset({"CN", "HK", "ID", "IN", "KR", "MO", "MY", "PH", "SG", "TH", "TW", "VN"})
_EUROPE = frozenset({
    "AD", "AL", "AT", "BA", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FO", "FR", "GB", "GG", "GI",
    "GR", "HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO",
    "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "UA", "VA", "XK",
})  # fmt: skip
STEP_G = 500
"""A parcel up to this weight has its zone's first price; each further step, begun or whole, costs the second."""
_RATES: dict[str, dict[str, tuple[int, int]]] = {
    "japan": {"JPY": (800, 200), "USD": (600, 150), "EUR": (500, 130), "GBP": (450, 110)},
    "asia": {"JPY": (1_800, 600), "USD": (1_300, 400), "EUR": (1_200, 370), "GBP": (1_000, 320)},
    "europe": {"JPY": (2_400, 900), "USD": (1_700, 600), "EUR": (1_500, 550), "GBP": (1_300, 480)},
    "world": {"JPY": (2_600, 1_000), "USD": (1_800, 700), "EUR": (1_700, 650), "GBP": (1_400, 550)},
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


def shipping_minor(country: str, currency: str, weight_g: int) -> int:
    """What a parcel of this weight costs."""
    first, further = _RATES[zone_of(country)][currency]
    return first + further * max(0, -(-weight_g // STEP_G) - 1)


def rates(currency: str) -> dict[str, tuple[int, int]]:
    """What a parcel costs by zone: its first step of weight, and each further one."""
    return {zone: prices[currency] for zone, prices in _RATES.items()}
