"""Applying a plan: one run, from its waves and units to its journal."""
