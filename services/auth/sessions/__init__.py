"""Sessions and remembered browsers: logging in, being recognised, logging out."""
