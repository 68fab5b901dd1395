"""YAML and NDJSON -> DesiredState, with every problem of every file at its line and column."""
