"""Stripe as the payment provider: an extra of its own, loaded only where the settings choose it (decision 8)."""
