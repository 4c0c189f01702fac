"""What the marketing desk sends about campaigns."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.mailer.campaigns.domain import Content, FollowUp
from services.mailer.campaigns.usecases import Draft
from services.mailer.languages import DEFAULT, Language
from services.mailer.subscriptions.routes import Topic
from shared.addresses import Email
from shared.http.moments import Moment
from shared.http.routes import RequestModel

Subject = Annotated[str, Field(min_length=1, max_length=200)]
Markdown = Annotated[str, Field(min_length=1, max_length=40_000)]


class ContentBody(RequestModel):
    """The text in one language; Markdown without HTML, with the variable {{ name }}."""

    subject: Subject
    markdown: Markdown


def _split(value: object) -> object:
    return tuple(value.split() if isinstance(value, str) else value) if isinstance(value, str | list) else value


Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class FollowUpBody(RequestModel):
    """After which purchase, and how many days after it. Without `skus` after any."""

    after_days: int = Field(ge=0, le=365)
    skus: Annotated[tuple[Sku, ...], Field(max_length=50), BeforeValidator(_split)] = ()

    def follow_up(self) -> FollowUp:
        """As the use cases take it."""
        return FollowUp(self.after_days, self.skus)


class CampaignBody(RequestModel):
    """An issue of the newsletter."""

    topic: Topic
    content: dict[Language, ContentBody] = Field(min_length=1, max_length=3)
    send_at: Moment
    not_after: Moment | None = None
    follow_up: FollowUpBody | None = None
    """makes it follow purchases from `send_at` on, each buyer once"""

    def draft(self) -> Draft:
        """As the use cases take it."""
        content = {language: Content(text.subject, text.markdown) for language, text in self.content.items()}
        follow_up = None if self.follow_up is None else self.follow_up.follow_up()
        return Draft(self.topic, content, self.send_at, self.not_after, follow_up)


class TrialBody(RequestModel):
    """Where a copy for a test goes, and in which language."""

    to: Email
    """an address of the shop's own domains"""
    language: Language = DEFAULT


class PreviewQuery(RequestModel):
    """In which language; another one stands in where there is none in it."""

    language: Language = DEFAULT


class ListQuery(RequestModel):
    """Which page of a list."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str = Field(default="", max_length=200)
