"""What a person may ask of orders through auth: a copy of what is held, and that it be forgotten."""
