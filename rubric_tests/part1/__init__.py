"""Part 1: a network by hand, in NumPy."""
