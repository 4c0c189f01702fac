"""Images: how they are built, what goes into them, and the list of what is in them."""
