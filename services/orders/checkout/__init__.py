"""Buying: from what a customer sends to an order that is paid, declined, or left for the sweep to resolve."""
