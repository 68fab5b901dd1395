"""GitOps for a fleet of Neon projects: desired state in YAML, converged through the Neon API."""
