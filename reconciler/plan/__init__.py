"""Planning: desired state and live state in, a plan out. Pure: no clock, no HTTP, no YAML."""
