"""What the marketing desk sends about campaigns."""

from typing import Annotated

from pydantic import Field

from services.mailer.campaigns.domain import Content
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


class CampaignBody(RequestModel):
    """An issue of the newsletter."""

    topic: Topic
    content: dict[Language, ContentBody] = Field(min_length=1, max_length=3)
    send_at: Moment
    not_after: Moment | None = None

    def draft(self) -> Draft:
        """As the use cases take it."""
        content = {language: Content(text.subject, text.markdown) for language, text in self.content.items()}
        return Draft(self.topic, content, self.send_at, self.not_after)


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
