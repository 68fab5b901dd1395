"""The plan of a run, wave by wave: what each wave does, and how its tenants are after it."""
