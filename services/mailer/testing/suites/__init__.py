"""Contract suites: each runs on the memory double and on MongoDB, so that neither can drift."""
