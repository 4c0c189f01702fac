"""`make demo`: a purchase travels through all four services, in front of you, while things are being broken."""
