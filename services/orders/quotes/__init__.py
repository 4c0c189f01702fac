"""A price that holds for a while: what was shown is what is paid. Nobody's: it says what and where to, never who."""
