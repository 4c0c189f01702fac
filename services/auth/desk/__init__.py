"""What members of the staff may see of a person, with a reason that the person reads."""
