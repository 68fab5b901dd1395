"""What a run writes to the registry about tenants: claims, projects, revisions, connection strings."""
