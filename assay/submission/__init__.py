"""What a student handed in: find it, read it, and plan its runs."""
