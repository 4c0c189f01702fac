"""The audit trail: what happened to an account, for its owner to read."""
