"""Whether an order is charged, looked at first, or refused: decided by rules that people can read."""
