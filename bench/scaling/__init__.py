"""What each operation costs, and how that grows: `python -m bench.scaling`, measured on the running stack."""
