"""What a person may ask of warranty through auth: a copy of what is held, and that it be forgotten."""
