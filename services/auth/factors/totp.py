"""Time-based one-time codes (RFC 6238): six digits, 30 s steps, SHA-1, as every authenticator app has them."""

import hmac
from datetime import datetime

STEP_S = 30
SKEW_STEPS = 1


def matching_step(secret: str, code: str, *, at: datetime, last_step: int) -> int | None:
    """The time step whose code this is, if it is one of now, one before or one after, and later than `last_step`.

    Args:
        secret: base32.
        code: six digits.
        at: now.
        last_step: of the code that was taken last.
    """
    from pyotp import TOTP  # late: only staff log in with it

    generator = TOTP(secret, interval=STEP_S)
    now_step = int(at.timestamp()) // STEP_S
    matches = [
        step
        for step in range(now_step - SKEW_STEPS, now_step + SKEW_STEPS + 1)
        if hmac.compare_digest(generator.generate_otp(step), code)
    ]
    return next((step for step in matches if step > last_step), None)
