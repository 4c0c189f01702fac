"""Purchase records: what was sold, when, to whom, and what became of it."""
