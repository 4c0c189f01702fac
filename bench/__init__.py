"""Ours beside the raw prototype of the same work, in one run: see docs/decisions/0004-bench.md."""
