"""Auth's rules: accounts, sessions, remembered browsers, passwords. No I/O, no clock, no randomness."""
