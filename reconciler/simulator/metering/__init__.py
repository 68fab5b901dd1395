"""What projects consume: the meters, what they read between two moments, and their history."""
