"""What an image holds beside its service: start, probe, and the steps of a deployment. Needs no shell."""
