"""GitOps for a fleet of Neon projects: desired state in YAML, converged through the Neon API."""

__version__ = "0.1.0"
