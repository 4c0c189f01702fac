"""Auth: who is asking, and for how long we remember."""
