"""The file of rules: what it may say, and how its mistakes are told."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.orders.config import Settings
from services.orders.screening.domain import Decision, Kind, Seen
from services.orders.screening.issuers import load_issuers
from services.orders.screening.rules import BUNDLED, BadRules, Rules, load_rules
from services.orders.screening.signals import Facts
from services.orders.screening.tallies import step_of
from shared.settings import SettingsError
from shared.testing.clock import NOON

ROOT = Path(__file__).parents[3]
NOW = step_of(NOON)
FACTS = Facts(
    at=NOON, currency="JPY", amount_minor=15_600, country="JP", card_country="", has_account=False, seen=Seen()
)


def rules(*conditions: str, then: str = "block") -> Rules:
    return Rules.model_validate({"version": "1", "rule": [a_rule(*conditions, then=then)]})


def a_rule(*conditions: str, then: str = "block", name: str = "the-rule") -> dict[str, object]:
    import tomllib

    when = tomllib.loads(f"when = [{', '.join(conditions)}]")["when"]
    return {"name": name, "then": then, "reason": "because of the test", "when": when}


def fires(*conditions: str, facts: Facts) -> bool:
    return bool(rules(*conditions).judge(facts).hits)


@pytest.mark.parametrize("file", [BUNDLED, ROOT / "deploy" / "local" / "rules.toml"])
def test_the_files_that_come_along_are_good(file: Path) -> None:
    assert len({rule.name for rule in load_rules(file).rule}) >= 4


def test_an_ordinary_order_of_somebody_new_is_allowed() -> None:
    assert load_rules().judge(FACTS).decision is Decision.ALLOW


@pytest.mark.parametrize(("count", "expected"), [(4, False), (5, True)])
def test_declines_of_a_card_are_counted_within_their_time(count: int, expected: bool) -> None:
    condition = '{ signal = "declines", by = "card", within = "1h", at_least = 5 }'
    steps = {NOW: 1, NOW - 12: count - 1, NOW - 13: 50}

    assert fires(condition, facts=replace(FACTS, seen=Seen(declines={Kind.CARD: steps}))) is expected
    assert not fires(condition, facts=replace(FACTS, seen=Seen(declines={Kind.EMAIL: {NOW: 50}})))
    assert not fires(condition, facts=replace(FACTS, seen=Seen(tries={Kind.CARD: {NOW: 50}})))


def test_declines_of_the_whole_shop_are_a_count_of_their_own() -> None:
    condition = '{ signal = "declines", by = "shop", within = "10m", at_least = 3 }'

    assert fires(condition, facts=replace(FACTS, seen=Seen(shop_declines={NOW: 3})))
    assert not fires(condition, facts=replace(FACTS, seen=Seen(shop_declines={NOW - 3: 3})))


@pytest.mark.parametrize("by", ["card", "address", "email", "network"])
def test_tries_are_counted_by_each_mark(by: str) -> None:
    condition = f'{{ signal = "tries", by = "{by}", within = "24h", at_least = 2 }}'

    assert fires(condition, facts=replace(FACTS, seen=Seen(tries={Kind(by): {NOW - 288: 2}})))
    assert not fires(condition, facts=replace(FACTS, seen=Seen(tries={Kind(by): {NOW - 289: 2}})))


@pytest.mark.parametrize(
    ("words", "currency", "amount", "expected"),
    [
        ("at_least = { JPY = 100 }", "JPY", 100, True),
        ("at_least = { JPY = 100 }", "JPY", 99, False),
        ("at_least = { JPY = 100 }", "USD", 1000, False),
        ("below = { JPY = 100 }", "JPY", 99, True),
        ("below = { JPY = 100 }", "JPY", 100, False),
        ("below = { JPY = 100 }", "EUR", 1, False),
        ("at_least = { JPY = 10 }, below = { JPY = 20 }", "JPY", 15, True),
        ("at_least = { JPY = 10 }, below = { JPY = 20 }", "JPY", 20, False),
    ],
)
def test_amounts_hold_in_the_currencies_that_are_named(words: str, currency: str, amount: int, expected: bool) -> None:
    facts = replace(FACTS, currency=currency, amount_minor=amount)

    assert fires(f'{{ signal = "amount", {words} }}', facts=facts) is expected


def test_an_amount_is_held_against_the_highest_ever_paid_in_its_currency() -> None:
    condition = '{ signal = "amount_over_history", times = 3 }'
    facts = replace(FACTS, amount_minor=300)

    assert fires(condition, facts=replace(facts, seen=Seen(highest_paid={"JPY": 100})))
    assert not fires(condition, facts=replace(facts, seen=Seen(highest_paid={"JPY": 101})))
    assert not fires(condition, facts=replace(facts, seen=Seen(highest_paid={"USD": 1})))
    assert not fires(condition, facts=facts)


@pytest.mark.parametrize(("card", "same", "other"), [("JP", True, False), ("NG", False, True), ("", False, False)])
def test_the_country_of_the_card_is_held_against_that_of_the_parcel(card: str, same: bool, other: bool) -> None:
    facts = replace(FACTS, card_country=card)

    assert fires('{ signal = "card_country", is = "same" }', facts=facts) is same
    assert fires('{ signal = "card_country", is = "other" }', facts=facts) is other


@pytest.mark.parametrize(
    ("word", "paid", "account", "expected"),
    [
        ("known", True, False, True), ("known", False, True, False), ("new", False, True, True),
        ("new", True, True, False), ("guest", True, False, True), ("account", False, True, True),
    ],
)  # fmt: skip
def test_buyers_are_known_by_what_they_have_paid(word: str, paid: bool, account: bool, expected: bool) -> None:
    facts = replace(FACTS, has_account=account, seen=Seen(highest_paid={"EUR": 1} if paid else {}))

    assert fires(f'{{ signal = "buyer", is = "{word}" }}', facts=facts) is expected


def test_the_block_list_may_be_asked_for_one_kind() -> None:
    facts = replace(FACTS, seen=Seen(listed=frozenset({Kind.EMAIL})))

    assert fires('{ signal = "listed" }', facts=facts)
    assert fires('{ signal = "listed", by = "email" }', facts=facts)
    assert not fires('{ signal = "listed", by = "card" }', facts=facts)


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = ('{ signal = "buyer", is = "guest" }', '{ signal = "amount", at_least = { JPY = 20000 } }')

    assert not fires(*both, facts=FACTS)
    assert fires(*both, facts=replace(FACTS, amount_minor=20_000))


def test_the_severest_rule_decides_and_all_are_named() -> None:
    several = [
        a_rule('{ signal = "buyer", is = "guest" }', then="review", name="look"),
        a_rule('{ signal = "buyer", is = "new" }', then="block", name="refuse"),
        a_rule('{ signal = "buyer", is = "account" }', then="block", name="other"),
    ]

    verdict = Rules.model_validate({"version": "7", "rule": several}).judge(replace(FACTS, card_country="NG"))

    assert (verdict.decision, verdict.rules_version, verdict.card_country) == (Decision.BLOCK, "7", "NG")
    assert [(hit.rule, hit.decision) for hit in verdict.hits] == [
        ("look", Decision.REVIEW), ("refuse", Decision.BLOCK)
    ]  # fmt: skip


BAD = """
version = "1"
extra = 1

[[rule]]
name = "Shouting"
then = "allow"
reason = "short"
when = []

[[rule]]
name = "second"
then = "block"
reason = "long enough a reason"
when = [
    { signal = "tries", by = "shop", within = "7m", at_least = 0 },
    { signal = "__import__('os')" },
    { signal = "amount", at_least = { yen = 1 } },
    { signal = "buyer", is = "rich" },
    { signal = "tries", by = "card", within = "48h", at_least = "3" },
]
"""


def test_every_mistake_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(BAD)

    with pytest.raises(BadRules) as refused:
        load_rules(file)

    places = [mistake.rpartition(": ")[0] for mistake in refused.value.mistakes]
    assert [place for place in places if place.startswith("rule 1 (Shouting)")] == [
        f"rule 1 (Shouting): {part}" for part in ("name", "then", "reason", "when")
    ]
    found = "\n".join(refused.value.mistakes)
    for place in (
        "extra", "rule 2 (second): when 1: by", "rule 2 (second): when 1: within", "rule 2 (second): when 1: at_least",
        "rule 2 (second): when 2", "rule 2 (second): when 4: is", "rule 2 (second): when 5: within",
        "rule 2 (second): when 5: at_least",
    ):  # fmt: skip
        assert place in found, place
    assert "whole 5 minutes" in found


def test_two_rules_of_one_name_are_a_mistake() -> None:
    twice = [a_rule('{ signal = "listed" }')] * 2

    with pytest.raises(ValueError, match="the-rule"):
        Rules.model_validate({"version": "1", "rule": twice})


@pytest.mark.parametrize("content", [b"version = ", b"\xff", b""])
def test_what_is_no_file_of_rules_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(content)

    with pytest.raises(BadRules):
        load_rules(file)
    with pytest.raises(BadRules):
        load_rules(tmp_path / "absent.toml")


def test_a_process_does_not_start_with_rules_that_have_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(BAD)
    environ = {"PADLOCK_SCREENING_RULES": str(file), "PADLOCK_SCREENING_ISSUERS": str(file)}

    with pytest.raises(SettingsError) as refused:
        Settings.from_env(environ)

    found = "\n".join(refused.value.mistakes)
    assert "PADLOCK_SCREENING_RULES" in found
    assert "rule 2 (second): when 4: is" in found
    assert "PADLOCK_SCREENING_ISSUERS" in found


@pytest.mark.parametrize(
    ("first6", "country"),
    [("400039", "JP"), ("400056", "NG"), ("424242", ""), ("400000", ""), ("353011", "JP"), ("620000", "CN")],
)
def test_cards_are_from_the_country_of_their_issuer(first6: str, country: str) -> None:
    assert load_issuers().country_of(first6) == country


@pytest.mark.parametrize(
    "text",
    [
        """ranges = [
            { from = "400010", to = "400019", country = "JP" }, { from = "400015", to = "400016", country = "US" },
        ]""",
        'ranges = [{ from = "400010", to = "400009", country = "JP" }]',
        'ranges = [{ from = "40001", to = "400019", country = "JP" }]',
        'brands = { jcb = "Japan" }',
        "x = 1",
    ],
)
def test_a_table_of_issuers_with_mistakes_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(text)

    with pytest.raises(BadRules):
        load_issuers(file)


def test_a_whole_range_is_of_its_country(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text('ranges = [{ from = "400010", to = "400019", country = "SE" }]')

    found = [load_issuers(file).country_of(first6) for first6 in ("400009", "400010", "400015", "400019", "400020")]

    assert found == ["", "SE", "SE", "SE", ""]


def test_the_settings_name_the_bundled_files() -> None:
    assert Settings.model_fields["screening_rules"].default == BUNDLED
    assert timedelta(days=Settings.model_fields["review_days"].default) < timedelta(days=7)
