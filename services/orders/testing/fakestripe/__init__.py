"""Stripe's API as far as orders uses it: PaymentIntents, refunds, idempotency keys, a bank's page, signed webhooks.

It behaves as https://docs.stripe.com/api says, not as we would like; `faults` breaks it on demand. It keeps no digit of
a card. `python -m services.orders.testing.fakestripe` runs it by itself.
"""
