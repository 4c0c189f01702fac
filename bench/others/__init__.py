"""What people would pick instead of warranty's consumer, on the same work: `python -m bench.others`."""
