"""Adopting: which tenant each project of an account is, its tier and overrides, and what a person has to decide.

Pure: projects and patterns in, an ``Adoption`` out. ``files/adopted.py`` writes it into files.
"""
