"""One's own data: a copy of everything that the shop holds, and its erasure, across all services."""
