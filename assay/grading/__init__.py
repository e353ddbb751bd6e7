"""Grade submissions: the session, and the verbs that make a result."""
