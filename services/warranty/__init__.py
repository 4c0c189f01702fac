"""Warranty: what was bought when, and until which day a fault in it is the shop's business."""
