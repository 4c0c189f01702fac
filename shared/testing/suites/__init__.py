"""Contract suites: what every implementation of a Protocol must do, memory and real alike."""
