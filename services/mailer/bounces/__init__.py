"""Mail that comes back: who bounced, who complained, and what follows from it."""
