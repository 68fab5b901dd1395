"""The ground floor: values, units, Neon's constants and places in files, which every layer shares."""
