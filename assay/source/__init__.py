"""Read Python without running it."""
