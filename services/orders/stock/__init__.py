"""How many there are, and which order holds how many: never oversold, never lost."""
