"""Check a course before anything is graded by it: faults with file and line."""
