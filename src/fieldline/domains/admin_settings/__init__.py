"""Settings that live in the database: of the system or of a tenant, by key."""
