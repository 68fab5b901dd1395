"""The optional tenant registry: the platform's own database, with a row for each tenant."""
