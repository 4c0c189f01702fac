"""What became of an order's money: explicit states, and refunds that can never exceed what was taken."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.errors import DomainError, ErrorKind, FieldError


class PaymentState(StrEnum):
    """Where the money is. A timeout is none of these: it is unknown, and the provider is asked."""

    CREATED = "created"
    NEEDS_ACTION = "needs_action"
    AUTHORISED = "authorised"  # set aside on the card, not taken
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELLED = "cancelled"  # voided before it was taken
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class RefundState(StrEnum):
    """Where a refund stands."""

    PENDING = "pending"  # its amount is spoken for; the provider may or may not have been asked
    DONE = "done"
    REFUSED = "refused"  # by the provider; its amount is free again, and a person has to look


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund. `id` is the idempotency key at the provider; `source` says who wants it.

    `source` is "cancellation", "desk", "withdrawal" or "claim:<id>". `reason` is why it was refused, `note` why it was
    wanted; both are codes.
    """

    id: str
    amount_minor: int
    source: str
    by: str
    requested_at: datetime
    state: RefundState = RefundState.PENDING
    settled_at: datetime | None = None
    reason: str = ""
    note: str = ""


class RefundTooHigh(DomainError):
    """All refunds of an order together never exceed what was captured."""

    kind = ErrorKind.INVALID
    code = "refund-too-high"

    def __init__(self, refundable_minor: int) -> None:
        detail = f"At most {refundable_minor} can be refunded."
        super().__init__(detail, fields=[FieldError("/amount_minor", self.code, detail)])


class RefundUsedOtherwise(DomainError):
    """There is a refund with this id and another amount."""

    kind = ErrorKind.INVALID
    code = "idempotency-key-reused"


class NothingCaptured(DomainError):
    """No money was taken for this order."""

    kind = ErrorKind.CONFLICT
    code = "nothing-captured"


@dataclass(frozen=True, slots=True)
class Payment:
    """The money of one order, in minor units of its currency.

    `action_url` is where the buyer's bank wants to see the buyer, while the state is `NEEDS_ACTION`.
    """

    state: PaymentState = PaymentState.CREATED
    captured_minor: int = 0
    refunds: tuple[Refund, ...] = ()
    action_url: str = ""

    @property
    def refunded_minor(self) -> int:
        """What has gone back."""
        return sum(refund.amount_minor for refund in self.refunds if refund.state is RefundState.DONE)

    @property
    def refundable_minor(self) -> int:
        """What may still be asked back: neither refunded nor spoken for."""
        spoken_for = sum(r.amount_minor for r in self.refunds if r.state is not RefundState.REFUSED)
        return self.captured_minor - spoken_for

    def refund(self, refund_id: str) -> Refund | None:
        """The refund of this id, if there is one."""
        return next((refund for refund in self.refunds if refund.id == refund_id), None)

    @property
    def pending(self) -> tuple[Refund, ...]:
        """Refunds that the provider has yet to confirm."""
        return tuple(refund for refund in self.refunds if refund.state is RefundState.PENDING)

    @property
    def has_unpaid_refusal(self) -> bool:
        """The provider has refused a refund, and what was asked since then is less than that.

        Whoever asks for it anew, at once or in parts, makes up for it; another refund that merely ended later does not.
        """
        return any(
            sum(
                other.amount_minor
                for other in self.refunds
                if other.state is not RefundState.REFUSED and other.requested_at >= refused.settled_at
            )
            < refused.amount_minor
            for refused in self.refunds
            if refused.state is RefundState.REFUSED and refused.settled_at is not None
        )

    def with_refund(self, wanted: Refund) -> "Payment":
        """Speak for the refund's amount; the same payment where the same refund is there already.

        Raises:
            NothingCaptured, RefundTooHigh: it cannot be paid from what was captured.
            RefundUsedOtherwise: the id belongs to a refund of another amount.
        """
        earlier = self.refund(wanted.id)
        if earlier is not None:
            if earlier.amount_minor != wanted.amount_minor:
                raise RefundUsedOtherwise
            return self
        if not self.captured_minor:
            raise NothingCaptured
        if not 0 < wanted.amount_minor <= self.refundable_minor:
            raise RefundTooHigh(self.refundable_minor)
        return replace(self, refunds=(*self.refunds, wanted))

    def refund_done(self, refund_id: str, *, at: datetime) -> "Payment":
        """The provider has paid it back; the same payment where that was known."""
        settled = self._settled(refund_id, lambda r: replace(r, state=RefundState.DONE, settled_at=at))
        is_all = settled.refunded_minor == settled.captured_minor
        return replace(settled, state=PaymentState.REFUNDED if is_all else PaymentState.PARTLY_REFUNDED)

    def refund_refused(self, refund_id: str, reason: str, *, at: datetime) -> "Payment":
        """The provider will not pay it back; its amount is free again."""
        refused = RefundState.REFUSED
        return self._settled(refund_id, lambda r: replace(r, state=refused, settled_at=at, reason=reason))

    def refund_sent_back(self, refund_id: str, reason: str, *, at: datetime) -> "Payment":
        """It was not paid in the end, though the provider had taken it on; its amount is free again."""
        found = self.refund(refund_id)
        if found is None or found.state is RefundState.REFUSED:
            return self
        refused = replace(found, state=RefundState.REFUSED, settled_at=at, reason=reason)
        changed = replace(self, refunds=tuple(refused if each is found else each for each in self.refunds))
        if self.state not in (PaymentState.REFUNDED, PaymentState.PARTLY_REFUNDED):
            return changed
        state = PaymentState.PARTLY_REFUNDED if changed.refunded_minor else PaymentState.CAPTURED
        return replace(changed, state=state)

    def _settled(self, refund_id: str, change: Callable[[Refund], Refund]) -> "Payment":
        """A refund ends once: what has ended stays as it is."""
        return replace(
            self,
            refunds=tuple(
                change(refund) if refund.id == refund_id and refund.state is RefundState.PENDING else refund
                for refund in self.refunds
            ),
        )
