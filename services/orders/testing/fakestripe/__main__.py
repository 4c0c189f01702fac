"""Run the fake by itself, for a stack with `PADLOCK_PAYMENT_PROVIDER=stripe`."""

import sys
import time

from aiohttp import web

from services.orders.testing.fakestripe.server import FakeStripe

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 12111
    fake = FakeStripe(lambda: int(time.time()))
    fake.intents.bank_url = f"http://127.0.0.1:{port}/bank"
    web.run_app(fake.app(), host="127.0.0.1", port=port)
