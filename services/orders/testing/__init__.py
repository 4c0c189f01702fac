"""Doubles for tests of orders. Nothing here runs in a service."""
