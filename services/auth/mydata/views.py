"""What the API takes and answers about one's own data."""

from typing import Literal

from pydantic import AwareDatetime, Field

from services.auth.mydata.erasure import Receipt, ReceiptPart
from services.auth.mydata.export import ExportState
from shared.http.routes import RequestModel, ResponseModel


class ExportView(ResponseModel):
    """A copy of everything that the shop holds of you."""

    id: str
    status: Literal["collecting", "ready", "expired"]
    services: dict[str, Literal["collecting", "complete"]]
    requested_at: AwareDatetime
    ready_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    """Until when it can be fetched."""
    download: str | None
    """Where it is fetched, once it is ready."""


class ExportList(ResponseModel):
    """Your exports, newest first."""

    items: list[ExportView]


class NewReceiptView(ResponseModel):
    """Keep the link: nothing else shows the receipt."""

    id: str
    token: str
    link: str
    status: Literal["running", "complete"]


class ErasureView(ResponseModel):
    """Your account is gone."""

    receipt: NewReceiptView


class ReceiptRequest(RequestModel):
    """The token of the receipt's link."""

    token: str = Field(min_length=1, max_length=200)


class ErasedView(ResponseModel):
    """What was erased: a code, and how many."""

    what: str
    count: int


class KeptView(ResponseModel):
    """What is kept, as codes: what and why, and how many."""

    what: str
    why: str
    count: int


class ReceiptPartView(ResponseModel):
    """What one service has answered."""

    status: Literal["running", "erased"]
    erased: list[ErasedView]
    kept: list[KeptView]


class ReceiptView(ResponseModel):
    """The receipt of an erasure. It names nobody."""

    id: str
    status: Literal["running", "complete"]
    asked_at: AwareDatetime
    completed_at: AwareDatetime | None
    services: dict[str, ReceiptPartView]


def export_view(export: ExportState) -> ExportView:
    """An export as its owner sees it."""
    is_ready = export.status == "ready"
    return ExportView(
        id=export.id,
        status=export.status,
        services={name: "complete" if done else "collecting" for name, done in export.services.items()},
        requested_at=export.requested_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
        download=f"/api/auth/me/exports/{export.id}/archive" if is_ready else None,
    )


def new_receipt_view(receipt: Receipt) -> NewReceiptView:
    """What whoever has just asked is given."""
    return NewReceiptView(id=receipt.id, token=receipt.token, link=receipt.link, status=receipt.status)


def receipt_view(receipt: Receipt) -> ReceiptView:
    """What the token shows."""
    return ReceiptView(
        id=receipt.id,
        status=receipt.status,
        asked_at=receipt.asked_at,
        completed_at=receipt.completed_at,
        services={name: _part_view(part) for name, part in receipt.services.items()},
    )


def _part_view(part: ReceiptPart) -> ReceiptPartView:
    return ReceiptPartView(
        status=part.status,
        erased=[ErasedView(what=each.what, count=each.count) for each in part.erased],
        kept=[KeptView(what=each.what, why=each.why, count=each.count) for each in part.kept],
    )
