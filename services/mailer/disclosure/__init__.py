"""Lawful disclosure: one person's name and address, to an authority that may demand them, by two officers."""
