"""What may not be done too often."""
