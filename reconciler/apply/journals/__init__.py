"""Journals: that of this run, and what those of other runs say."""
