"""What students get: the assignment without its answer, made from the course's own answer."""
