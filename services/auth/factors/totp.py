"""Time-based one-time codes (RFC 6238): six digits, 30 s steps, SHA-1, as every authenticator app has them."""

import hmac
import io
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
SKEW_STEPS = 1
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_CHARS = 32
"""160 bits, as RFC 4226 section 4 recommends."""


def new_secret() -> str:
    """160 random bits in base32 (RFC 4648)."""
    return "".join(secrets.choice(_BASE32) for _ in range(_SECRET_CHARS))


def matching_step(secret: str, code: str, *, at: datetime, last_step: int) -> int | None:
    """The time step whose code this is, if it is one of now, one before or one after, and later than `last_step`.

    Args:
        secret: base32.
        code: six digits.
        at: now.
        last_step: of the code that was taken last.
    """
    from pyotp import TOTP  # late: only who has an authenticator logs in with it

    generator = TOTP(secret, interval=STEP_S)
    now_step = int(at.timestamp()) // STEP_S
    matches = [
        step
        for step in range(now_step - SKEW_STEPS, now_step + SKEW_STEPS + 1)
        if hmac.compare_digest(generator.generate_otp(step), code)
    ]
    return next((step for step in matches if step > last_step), None)


def setup_uri(secret: str, *, issuer: str, account: str) -> str:
    """What an authenticator app reads ("Key Uri Format" of Google Authenticator); its other values are the defaults."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def draw_qr(uri: str) -> str:
    """The URI as a QR code: an SVG document, black on white, with the quiet zone that scanners want.

    Takes some 30 ms, more at the first call: run it in a thread.
    """
    import segno

    drawn = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(drawn, kind="svg", scale=4, light="#fff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
