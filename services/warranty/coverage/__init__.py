"""Until when an item is covered, computed by versioned rules."""
