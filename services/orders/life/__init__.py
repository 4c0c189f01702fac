"""The life of an order: from the moment it is stored, before its charge, to its end."""
