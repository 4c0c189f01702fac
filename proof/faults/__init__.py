"""Faults that last for a while: pauses, slow connections, full disks, clocks that are wrong, events that come again."""
