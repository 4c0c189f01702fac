"""Which country grants how many months at the least. Versioned: a record names the rule that it was computed from.

A change of the law is a new row with the day from which it holds, never an edit of an old one; a replay of old
purchases then finds the rule of their day again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class WarrantyRule:
    """Purchases delivered to `countries` from `since_on` on are covered for at least `least_months`.

    `countries` are ISO 3166-1 alpha-2 codes; none means everywhere else.
    """

    id: str
    version: int
    countries: frozenset[str]
    since_on: date
    least_months: int


_EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())  # noqa: SIM905 - read as a row
_ALWAYS = date(1970, 1, 1)

RULES: tuple[WarrantyRule, ...] = (
    # The maker's own promise, which travels with the product, wherever no law asks for more.
    WarrantyRule("maker", 1, frozenset(), _ALWAYS, 0),
    # Directive 1999/44/EC Article 5, since 2022 Directive (EU) 2019/771 Article 10: two years from delivery.
    WarrantyRule("eu", 1, _EU, _ALWAYS, 24),
    # Spain: Real Decreto-ley 7/2021; Portugal: Decreto-Lei 84/2021; Sweden: Konsumentköplag (2022:260).
    WarrantyRule("eu-three-years", 1, frozenset({"ES", "PT", "SE"}), date(2022, 1, 1), 36),
)


def rule_for(country: str, bought_on: date, rules: Sequence[WarrantyRule] = RULES) -> WarrantyRule:
    """The rule in force for a purchase of `bought_on` delivered to `country`: the latest that names the country."""
    fitting = [rule for rule in rules if rule.since_on <= bought_on and _names(rule, country)]
    return max(fitting, key=lambda rule: (bool(rule.countries), rule.since_on, rule.version))


def _names(rule: WarrantyRule, country: str) -> bool:
    return not rule.countries or country.upper() in rule.countries
