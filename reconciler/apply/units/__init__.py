"""What several tenants share: units of work, the check after creations, the call of a transfer."""
