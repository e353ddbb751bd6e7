"""Check a course before anything is graded by it: what is written wrongly, with file and line."""
