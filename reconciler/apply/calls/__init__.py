"""The call of each action, and the comparison of its answer with what was requested."""
