"""Who may be written to, how often, and proof of it: subscriptions, newsletters, receipts and notices."""

VERSION = "0.1.0"
"""Of this service alone: each is released apart. Semantic: the contract is its API and its events."""
