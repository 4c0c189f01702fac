"""What is sent about claims."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.warranty.claims.domain import Problem, Remedy
from services.warranty.claims.steps import Status
from services.warranty.records.routes import LinkQuery
from shared.cardlike import holds_card_number
from shared.http.paging import PageQuery
from shared.http.routes import RequestModel
from shared.secrets import hidden_error

MOST_WORDS = 4000


_JOINERS = "\u200c\u200d"
"""Zero-width: many scripts are not written without them, nor is a family as one sign."""


def _words(text: str) -> str:
    words = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\u00ad", "").strip()
    if any(unicodedata.category(char)[0] == "C" and char not in f"\n\t{_JOINERS}" for char in words):
        raise hidden_error("invalid-text", "must not contain control characters")
    if holds_card_number(words):
        raise hidden_error("looks-like-card-number", "looks like a card number, which nobody here needs")
    return words


def _told(text: str) -> str:
    if not text:
        raise hidden_error("missing", "must say something")
    return text


Words = Annotated[str, Field(max_length=MOST_WORDS), AfterValidator(_words)]
Told = Annotated[str, Field(min_length=1, max_length=MOST_WORDS), AfterValidator(_words), AfterValidator(_told)]
Serial = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9 _./-]*$")]


class ClaimRequest(RequestModel):
    """What is wrong with which item, and what is wanted."""

    purchase_id: Annotated[str, Field(min_length=1, max_length=200)]
    problem: Problem
    wanted: Remedy
    words: Words = ""
    """In the claimant's own words."""
    serial: Serial = ""
    """As it is on the watch, where it can be read."""
    goodwill: bool = False
    """Ask for it although the item is not covered."""
    language: Literal["en", "ja", "de"] | None = None


class MessageRequest(RequestModel):
    """A message of the conversation."""

    text: Told


class DecisionRequest(RequestModel):
    """What is decided. `approved` grants what was wanted; else a remedy by name, or `rejected`."""

    outcome: Literal["approved", "rejected", "repair", "replacement", "refund"]
    note: Words = ""
    """What the claimant reads of the reasons."""
    return_first: bool = False
    """A refund or a replacement that waits until the item has come back; a repair always does."""

    def remedy(self, wanted: Remedy) -> Remedy | None:
        """What is granted to who wanted this; none where the claim is rejected."""
        if self.outcome == "rejected":
            return None
        return wanted if self.outcome == "approved" else Remedy(self.outcome)


class ReceiptRequest(RequestModel):
    """The item has arrived."""

    serial: Serial = ""
    """As it is on the watch that came."""


class RepairRequest(RequestModel):
    """What was found."""

    diagnosis: Told
    cost_minor: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    """What it costs the shop, in minor units of the item's currency."""


class RefusalRequest(RequestModel):
    """Why the item that came is refused."""

    note: Told


class ClaimsQuery(LinkQuery):
    """Which page of one's claims."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=400)] = ""

    @property
    def page(self) -> PageQuery:
        """As the kit's lists have it."""
        return PageQuery(limit=self.limit, cursor=self.cursor)


class QueueQuery(RequestModel):
    """Which part of the desk's queue."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=400)] = ""
    status: Status | None = None
    """Claims of one status; without it those that wait for the staff, by when they are due."""
