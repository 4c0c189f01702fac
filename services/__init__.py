"""The four services. None imports another; they meet on the event bus only."""
