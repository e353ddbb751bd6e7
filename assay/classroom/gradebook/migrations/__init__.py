"""The schema, step by step, oldest first."""
