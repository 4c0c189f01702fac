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


@pytest.mark.parametrize("wanted", Status)
@pytest.mark.parametrize("standing", Status)
def test_only_legal_steps_are_taken(standing: Status, wanted: Status) -> None:
    order = replace(an_order(), status=standing)

    if wanted in LEGAL[standing]:
        assert order.step(wanted, at=NOON, by="shop").status is wanted
    else:
        with pytest.raises(IllegalStep):
            order.step(wanted, at=NOON, by="shop")
