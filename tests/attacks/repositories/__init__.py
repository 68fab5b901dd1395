"""Hostile repositories, built step by step, and every command that looks at git let loose on each.

``stage.py`` builds a harmless checkout with a fleet in a folder of it; each builder makes one thing of it hostile:

- ``pull_request.py``: what a stranger can add by a commit, a branch or a tag.
- ``configuration.py``: what stands in ``.git`` and in the environment, which git obeys.
- ``damaged.py``: objects, refs and clones that are broken, huge, partial or of another make.
"""
