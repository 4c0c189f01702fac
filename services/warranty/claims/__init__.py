"""Claims: what a buyer says is wrong, what is decided, and what becomes of it."""
