"""Accounts: registration, the proof of an address, passwords."""
