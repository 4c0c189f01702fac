"""A watch goes to another owner, and its cover with it: by a code that the former owner hands over."""
