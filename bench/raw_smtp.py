"""The bare loop: mails at hand, over connections that stay open, each envelope behind the dot of the mail before.

No ledger, no cap.
"""

import asyncio
import os
from collections import deque
from email import message_from_bytes
from pathlib import Path

from bench.raw_mailer import Smtp
from bench.raw_parts import run

SEPARATOR = b"\0"


async def main() -> None:
    mails = Path(os.environ["RAW_MAILS"]).read_bytes().split(SEPARATOR)
    ready = deque((message_from_bytes(mail)["To"].rpartition("<")[2].rstrip(">"), mail) for mail in mails)

    async def loop() -> None:
        smtp = await Smtp.open(int(os.environ["RAW_SMTP_PORT"]))
        if not ready:
            return
        recipient, mail = ready.popleft()
        await smtp.begin(recipient)
        while ready:
            recipient, following = ready.popleft()
            await smtp.finish(mail, ahead=recipient)
            mail = following
        await smtp.finish(mail)

    async with asyncio.TaskGroup() as group:
        for _ in range(int(os.environ["RAW_CONNECTIONS"])):
            group.create_task(loop())


if __name__ == "__main__":
    run(main())
