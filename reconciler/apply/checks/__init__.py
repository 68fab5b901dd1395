"""Checks right before a step: whether its plan is still valid, and whether a deletion is."""
