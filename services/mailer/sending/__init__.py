"""Sending newsletters: who may have a copy now, the ledger of each copy, and the runs that work through a campaign."""
