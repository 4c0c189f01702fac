import base64
import random
import uuid
from datetime import UTC, datetime

import orjson
import pytest

from services.orders.checkout.attempt import BadIdempotencyKey, CardNumberInKey, attempt_of, read_key
from services.orders.checkout.card import keep
from services.orders.checkout.keyforms import poses_as_card_number
from services.orders.checkout.requests import CheckoutRequest
from services.orders.life.domain import Attempt
from shared.errors import ErrorKind
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


@pytest.mark.parametrize(
    "key",
    [
        "4242424242424242",
        "order-1-4242424242424242",
        "key_4242-4242-4242-4242_again",
        "1764351234567-378282246310005",
        "a378282246310005",
        "42424242-4242-4242-0000-000000000000",
        "0c17e8bb-7a2d-4d6e-9b1f-5a1f0c9e3d42:4242424242424242",
        b"4242424242424242".hex(),
        base64.b64encode(b"4242424242424242").decode(),
        "%34242424242424242",
    ],
)
def test_a_card_number_anywhere_in_a_key_is_refused_and_the_refusal_says_so(key: str) -> None:
    with pytest.raises(CardNumberInKey) as refused:
        read_key(key)

    assert refused.value.kind is ErrorKind.MALFORMED
    assert [fault.code for fault in refused.value.fields] == ["idempotency-key-holds-card-number"]
    assert "4242" not in str(refused.value.fields) + str(refused.value)


def some_keys(dice: random.Random, ns: int) -> list[str]:
    """What machines make keys of: each of them goes into one, too, beside other words."""
    at = datetime.fromtimestamp(ns / 1e9, UTC)
    keys = [
        *(str(ns // 1_000**n) for n in range(4)),
        str(ns / 1e9),
        at.isoformat(),
        at.strftime("%Y%m%d%H%M%S%f"),
        str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        str(uuid.UUID(int=dice.getrandbits(128), version=1)).upper(),
        uuid.UUID(int=dice.getrandbits(128), version=4).hex,
        *(f"{dice.getrandbits(4 * size):0{size}x}" for size in (24, 32, 40, 64)),
    ]
    return keys + [f"order-1-{key}" for key in keys]


def test_times_and_random_bytes_are_never_taken_for_cards() -> None:
    dice = random.Random(2026)
    for _ in range(2_000):
        for key in some_keys(dice, dice.randrange(1_700_000_000, 2_190_000_000) * 10**9 + dice.randrange(10**9)):
            assert read_key(key) == key


@pytest.mark.parametrize(("size", "at_most"), [(12, 0.0), (13, 0.04), (16, 0.04), (19, 0.04)])
def test_of_other_numbers_so_many_are_refused_by_chance(size: int, at_most: float) -> None:
    dice = random.Random(2026)
    numbers = [str(dice.randrange(10 ** (size - 1), 10**size)) for _ in range(2_000)]

    assert sum(map(poses_as_card_number, numbers)) / len(numbers) <= at_most


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
