"""Who may be written to, how often, and proof of it: subscriptions, newsletters, receipts and notices."""
