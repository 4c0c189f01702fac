"""Manifests for Kubernetes, and what writes the one of them that follows from the code."""
