"""What support may see of who bought, with a reason that the person reads."""
