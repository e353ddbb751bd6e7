"""The reference answers to the assignment: a network by hand, a transformer by hand."""
