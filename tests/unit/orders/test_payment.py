"""The money of an order: refunds in part, never above what was captured, each once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.life.steps import LEGAL, IllegalStep, Status
from services.orders.payments.domain import (
    NothingCaptured,
    Payment,
    PaymentState,
    Refund,
    RefundState,
    RefundTooHigh,
    RefundUsedOtherwise,
)
from shared.testing.clock import NOON
from tests.unit.orders.doubles import an_order

CAPTURED = Payment(PaymentState.CAPTURED, captured_minor=100)


def a_refund(id: str = "r-1", amount_minor: int = 40) -> Refund:
    return Refund(id, amount_minor, "desk", "staff:s-1", NOON)


def test_a_refund_speaks_for_its_amount_before_it_is_paid() -> None:
    payment = CAPTURED.with_refund(a_refund())

    assert (payment.refundable_minor, payment.refunded_minor, payment.state) == (60, 0, PaymentState.CAPTURED)
    with pytest.raises(RefundTooHigh) as refusal:
        payment.with_refund(a_refund("r-2", 61))
    assert [fault.pointer for fault in refusal.value.fields] == ["/amount_minor"]


def test_the_same_refund_again_changes_nothing() -> None:
    payment = CAPTURED.with_refund(a_refund())

    assert payment.with_refund(a_refund()) == payment
    with pytest.raises(RefundUsedOtherwise):
        payment.with_refund(a_refund(amount_minor=41))


def test_what_is_refused_is_free_again() -> None:
    payment = CAPTURED.with_refund(a_refund()).refund_refused("r-1", "no", at=NOON)

    assert (payment.refundable_minor, payment.pending) == (100, ())


def test_a_refund_ends_once() -> None:
    later = NOON + timedelta(days=1)
    done = CAPTURED.with_refund(a_refund()).refund_done("r-1", at=NOON)

    assert done.refund_refused("r-1", "no", at=later) == done
    assert done.refund_done("r-1", at=later) == done


@pytest.mark.parametrize(("amount_minor", "state"), [(40, PaymentState.PARTLY_REFUNDED), (100, PaymentState.REFUNDED)])
def test_the_state_says_whether_all_has_gone_back(amount_minor: int, state: PaymentState) -> None:
    assert CAPTURED.with_refund(a_refund(amount_minor=amount_minor)).refund_done("r-1", at=NOON).state is state


def test_what_was_not_taken_is_not_given_back() -> None:
    with pytest.raises(NothingCaptured):
        Payment(PaymentState.AUTHORISED).with_refund(a_refund())


@given(st.lists(st.tuples(st.integers(-5, 120), st.sampled_from(["wait", "done", "refused"])), max_size=12))
def test_refunds_together_never_exceed_what_was_captured(steps: list[tuple[int, str]]) -> None:
    payment = CAPTURED
    for n, (amount_minor, then) in enumerate(steps):
        try:
            payment = payment.with_refund(a_refund(f"r-{n}", amount_minor))
        except RefundTooHigh:
            continue
        if then == "done":
            payment = payment.refund_done(f"r-{n}", at=NOON)
        elif then == "refused":
            payment = payment.refund_refused(f"r-{n}", "no", at=NOON)

        assert 0 <= payment.refunded_minor <= payment.captured_minor
        assert payment.refundable_minor >= 0


def needs_attention(*refunds: Refund, status: Status = Status.CANCELLED) -> bool:
    """Whether an order of which 1,000 were taken needs attention."""
    payment = Payment(PaymentState.CAPTURED, captured_minor=1_000, refunds=refunds)
    return replace(an_order(), status=status, payment=payment).needs_attention


def ended(amount_minor: int, state: RefundState, *, at_minute: int = 0) -> Refund:
    at = NOON + timedelta(minutes=at_minute)
    settled_at = None if state is RefundState.PENDING else at + timedelta(seconds=1)
    return Refund(f"r-{at_minute}", amount_minor, "desk", "staff:s-1", at, state, settled_at)


REFUSED, DONE, PENDING = RefundState.REFUSED, RefundState.DONE, RefundState.PENDING


def test_a_cancelled_order_needs_attention_until_all_is_on_its_way_back() -> None:
    refused, part, rest = ended(400, REFUSED), ended(600, DONE, at_minute=1), ended(400, PENDING, at_minute=2)

    assert needs_attention(refused)
    assert needs_attention(refused, part)
    assert not needs_attention(refused, part, rest)


@pytest.mark.parametrize(
    ("refunds", "expected"),
    [
        ([], False),
        ([ended(400, REFUSED)], True),
        ([ended(400, REFUSED), ended(300, DONE, at_minute=1)], True),
        ([ended(400, REFUSED), ended(300, DONE, at_minute=1), ended(100, PENDING, at_minute=2)], False),
        ([ended(400, REFUSED), ended(400, REFUSED, at_minute=1), ended(400, DONE, at_minute=2)], False),
        ([ended(600, DONE), ended(400, REFUSED, at_minute=1)], True),
        ([ended(400, REFUSED), ended(600, DONE)], True),  # both were asked at once: none stands for the other
    ],
)
def test_a_refused_refund_needs_attention_until_others_make_up_for_it(refunds: list[Refund], expected: bool) -> None:
    assert needs_attention(*refunds, status=Status.DELIVERED) is expected


@pytest.mark.parametrize("wanted", Status)
@pytest.mark.parametrize("standing", Status)
def test_only_legal_steps_are_taken(standing: Status, wanted: Status) -> None:
    order = replace(an_order(), status=standing)

    if wanted in LEGAL[standing]:
        assert order.step(wanted, at=NOON, by="shop").status is wanted
    else:
        with pytest.raises(IllegalStep):
            order.step(wanted, at=NOON, by="shop")
