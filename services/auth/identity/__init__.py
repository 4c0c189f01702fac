"""Signed identities for the gateway and the services."""
