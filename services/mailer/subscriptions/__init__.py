"""Subscriptions: who asked for newsletters, confirmed it, changed their mind. What was sent is `sending`'s."""
