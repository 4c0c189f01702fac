"""Charging cards: what a provider must promise, and the sandbox that keeps the promise without money."""
