"""Campaigns: what marketing wants sent, to whom and when. How it is sent is `sending`'s."""
