"""A course folder that works at once: a small one to change, or one turned from a master."""
