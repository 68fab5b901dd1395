"""The steps of one tenant: its actions one after the other, and what happens if an answer is lost."""
