"""Orders: a purchase, paid once, announced once."""

VERSION = "0.1.0"
"""Of this service alone: each is released apart. Semantic: the contract is its API and its events."""
