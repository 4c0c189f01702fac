"""The kit: what all four services would otherwise write again. Knows no service."""
