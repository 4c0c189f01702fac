"""What an account keeps to speed up its shopping: a name and an address, and nothing is done with them but that."""
