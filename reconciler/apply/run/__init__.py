"""One apply in progress: what it is given, what it finds out, its outcomes, and what ends it."""
