"""What tests use in place of the world: doubles, and the contract suites that keep them honest."""
