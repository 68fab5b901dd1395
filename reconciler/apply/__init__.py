"""Carrying out a plan: units of work, calls in order, the check after creates, the journal."""
