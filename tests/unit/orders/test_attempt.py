import random

import orjson
import pytest

from services.orders.checkout.attempt import BadIdempotencyKey, attempt_of, read_key
from services.orders.checkout.card import keep
from services.orders.checkout.requests import CheckoutRequest
from services.orders.life.domain import Attempt
from shared.personal import BlindIndex
from shared.testing.keys import MemoryKeys
from tests.unit.orders.world import a_body

INDEX = BlindIndex(MemoryKeys().get("index", 1))


def an_attempt(card: str = "4242424242424242", *, cvc: str = "123", key: str = "k", account: str = "") -> Attempt:
    body = a_body(card=card)
    body["card"]["cvc"] = cvc
    request = CheckoutRequest.model_validate_json(orjson.dumps(body), strict=True)
    kept = keep(request.card.number, expiry=request.card.expiry, holder=request.card.holder)
    return attempt_of(INDEX, request, key=key, account_id=account, card=kept)


@pytest.mark.parametrize(
    ("header", "key"),
    [("k-1", "k-1"), ('"k-1"', "k-1"), (r'"a\"b\\c d"', 'a"b\\c d'), ("x" * 255, "x" * 255), (" k ", "k")],
)
def test_keys_come_quoted_or_bare(header: str, key: str) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize(
    "header",
    ["", '""', '"', '"a', r'"a\b"', "a b", "é", "x" * 256, "4242424242424242", "key-4242-4242-4242-4242"],
)
def test_other_keys_are_refused(header: str) -> None:
    with pytest.raises(BadIdempotencyKey):
        read_key(header)


@pytest.mark.parametrize("headers", [[], ["k-1", "k-2"], ["k-1", "k-1"]])
def test_one_key_is_needed_and_no_second(headers: list[str]) -> None:
    with pytest.raises(BadIdempotencyKey):
        read_key(*headers)


def test_random_keys_are_not_taken_for_cards() -> None:
    dice = random.Random(2026)  # one that is all digits and passes the check by chance would be refused
    for _ in range(2_000):
        key = f"{dice.getrandbits(96):024x}"
        assert read_key(key) == key


def test_the_body_is_recognised_by_the_kept_part_of_the_card_alone() -> None:
    # Equal first six and last four, other digits between them: no hash of ours can tell these apart.
    assert an_attempt("4242424242424242") == an_attempt("4242420010084242")
    assert an_attempt("4242424242424242").body != an_attempt("4000000000000002").body


def test_the_code_leaves_no_trace() -> None:
    assert an_attempt(cvc="123") == an_attempt(cvc="999")


def test_a_key_is_scoped_to_who_asks() -> None:
    assert len({an_attempt(account=account).key for account in ("", "a-1", "a-2")}) == 3


def test_a_guest_cannot_pose_as_an_account() -> None:
    assert an_attempt(key="k", account="a-1").key != an_attempt(key="a-1\nk", account="").key
