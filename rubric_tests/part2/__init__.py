"""Part 2: a transformer by hand, in PyTorch, that reverses sequences."""
