"""What the files ask for: types and units, no YAML."""
