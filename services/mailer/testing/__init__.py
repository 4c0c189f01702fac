"""Doubles, contract suites and a mail server for tests of mailer. Nothing here runs in a service."""
