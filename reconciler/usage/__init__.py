"""What tenants use of their quotas, and what that costs. Pure: no clock, no HTTP."""
