"""Warranty: what was bought when, and until which day a fault in it is the shop's business."""

VERSION = "0.1.0"
"""Of this service alone: each is released apart. Semantic: the contract is its API and its events."""
