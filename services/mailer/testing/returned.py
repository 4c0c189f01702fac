"""Mails that come back, as servers write them."""

from email.message import EmailMessage
from email.mime.application import MIMEApplication


def dsn(
    status: str = "5.1.1",
    action: str = "failed",
    *,
    diagnostic: str = "smtp; 550 5.1.1 nobody here",
    original: str = "",
) -> bytes:
    """A delivery status notification as Postfix writes it (RFC 3464)."""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="B5/x.1"\r\n\r\n'
        "This is a MIME-encapsulated message.\r\n\r\n--B5/x.1\r\nContent-Description: Notification\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n\r\nI'm sorry: 5.1.1 in prose counts for nothing.\r\n\r\n"
        "--B5/x.1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; ann@example.org\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {diagnostic}\r\n    (in reply to RCPT TO)\r\n\r\n"
        f"--B5/x.1\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n\r\n--B5/x.1--\r\n"
    ).encode()


def complaint(kind: str = "abuse", *, mail_from: str = "", original: str = "Subject: News") -> bytes:
    """A feedback report (RFC 5965), put together by the standard library."""
    report = EmailMessage()
    report["From"] = "fbl@provider.example"
    report.make_mixed()
    report.set_param("report-type", "feedback-report")
    report.replace_header("Content-Type", report["Content-Type"].replace("multipart/mixed", "multipart/report"))
    fields = f"Feedback-Type: {kind}\nUser-Agent: Provider/1\nVersion: 1\nOriginal-Mail-From: <{mail_from}>\n"
    for subtype, text in (("feedback-report", fields), ("rfc822", f"{original}\n\nbody\n")):
        part = MIMEApplication(text.encode(), _encoder=lambda part: None)
        part.replace_header("Content-Type", f"message/{subtype}")
        report.attach(part)  # type: ignore[arg-type]  # any MIME part will do
    return report.as_bytes().replace(b"\n", b"\r\n")
