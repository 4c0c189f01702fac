"""A campaign in one language as final bytes, ready to be filled for each recipient."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from markupsafe import Markup

from services.mailer.campaigns.content import render
from services.mailer.campaigns.domain import Campaign, Content
from services.mailer.config import Settings
from services.mailer.languages import Language, texts
from services.mailer.message.blueprint import LINK, Blueprint, Recipient, Slot, build
from services.mailer.message.headers import feedback_id, mailbox, text_field
from services.mailer.rendering import render_html, render_text


@dataclass(frozen=True, slots=True)
class Copy:
    """Whom a copy is for. `link` leads to leaving and is this recipient's alone."""

    subscriber_id: str
    name: str
    email: str
    link: str


class Edition:
    """Makes the copies of one campaign in one language."""

    def __init__(self, campaign: Campaign, language: Language, content: Content, settings: Settings) -> None:
        self._campaign_id = campaign.id
        self._host = settings.mail_host
        self._blueprint = _blueprint(campaign, language, content, settings)

    def write(self, copy: Copy, *, at: datetime) -> bytes:
        """The final bytes for one recipient, checked for their links.

        Raises:
            HeaderInjection: the name or address could add to the header.
            BrokenMessage: a link is missing; then none of the copies may go out.
        """
        recipient = Recipient(copy.name, copy.email, self._message_id(copy), copy.link)
        message = self._blueprint.fill(recipient, at=at)
        self._blueprint.check_links(message, copy.link)
        return message

    def _message_id(self, copy: Copy) -> str:
        """The same for every attempt at this copy; tells nothing about the subscriber."""
        digest = blake2b(f"{self._campaign_id}\0{copy.subscriber_id}".encode(), digest_size=16).hexdigest()
        return f"{digest}@{self._host}"


def edition_for(campaign: Campaign, language: str, settings: Settings) -> tuple[Language, Edition]:
    """The edition that a subscriber with this language gets, and the language that it is in."""
    chosen, content = campaign.content_for(language)
    return chosen, Edition(campaign, chosen, content, settings)


def _blueprint(campaign: Campaign, language: Language, content: Content, settings: Settings) -> Blueprint:
    body = render(content.markdown, pointer=f"/content/{language}/markdown", hosts=settings.link_hosts)
    words = {key: value.format(shop=settings.shop_name) for key, value in texts(language)["newsletter"].items()}
    contact = texts(language)["contact"].format(contact=settings.shop_contact)
    values = {"link": LINK, "contact": contact, "subject": content.subject, "language": language, **words}
    return build(
        [
            ("From", [mailbox(*settings.sender, field="From")]),
            ("Subject", [text_field("Subject", content.subject)]),
            ("List-Id", [f"<{campaign.topic}.{settings.mail_host}>".encode("ascii")]),
            ("List-Unsubscribe", [b"<", Slot.LINK, b">"]),
            ("List-Unsubscribe-Post", [b"List-Unsubscribe=One-Click"]),
            ("Feedback-ID", [feedback_id(campaign.id, campaign.topic, "newsletter", settings.signing_domain)]),
        ],
        text=render_text("newsletter", body=body.text, **values),
        html=render_html("newsletter", body=Markup(body.html), **values),  # noqa: S704 - made from Markdown, no raw HTML
        boundary=f"=_{blake2b(f'{campaign.id} {language}'.encode(), digest_size=12).hexdigest()}",
    )
