"""Hostile pull requests and environments, a folder each, run through every command (README.md)."""
