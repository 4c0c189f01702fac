"""The tax in what is sold: which countries pay which, and how much that is of a sum."""
