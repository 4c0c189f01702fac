"""Mails as a broken mailer would have sent them."""

from email.message import EmailMessage

BUYER = "saboteur@example.org"
SERVICE_MAIL = ":receipt:service:example.com"


def mail_of(to: str, feedback: str, number: int = 1, **headers: str) -> EmailMessage:
    """One mail of the shop's kind."""
    from email.utils import formatdate

    message = EmailMessage()
    message["From"], message["To"], message["Date"] = "Shop <news@example.com>", to, formatdate()
    message["Message-ID"], message["Feedback-ID"] = f"<saboteur-{number}@example.com>", feedback
    message["Subject"], message["Auto-Submitted"] = "Your order", "auto-generated"
    for name, text in headers.items():
        message[name.replace("_", "-")] = text
    message.set_content("Dear reader")
    message.add_alternative("<p>Dear reader</p>", subtype="html")
    return message


def issues(*campaigns: str) -> list[tuple[list[str], EmailMessage]]:
    """A newsletter of each campaign, all to one reader."""
    return [
        ([BUYER], mail_of(BUYER, f"{campaign}:offers:newsletter:example.com", number))
        for number, campaign in enumerate(campaigns)
    ]


def with_image() -> list[tuple[list[str], EmailMessage]]:
    """A receipt that counts who reads it."""
    message = mail_of(BUYER, SERVICE_MAIL)
    message.get_body(("html",)).set_content('<img src="https://pixel.example/1.gif">', subtype="html")  # type: ignore[union-attr]
    return [([BUYER], message)]
