"""Code forges: comments on pull requests, and issues."""
