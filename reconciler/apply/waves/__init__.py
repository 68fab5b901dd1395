"""The plan of a run, wave by wave: what each wave does, and the health of its tenants after it."""
