"""Judge evidence with pytest, in a process that never imports or runs student code."""
