"""Orders: a purchase, paid once, announced once."""
