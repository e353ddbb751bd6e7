"""Execute one job: the notebook, its parameters, then the exam, in a process of its own."""
