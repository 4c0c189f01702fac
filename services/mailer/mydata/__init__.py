"""What a person may ask of mailer through auth: a copy of what is held, and that it be forgotten."""
