"""Service mails: receipts and messages, at least once and at most twice with the same Message-ID. No advertising."""
