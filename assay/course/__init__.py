"""What the teacher wrote: the assignment, the rubric, its secret and its calibration."""
