"""The shop's pages: catalogue, product, checkout, order. No script, no other host, usable on a phone."""
