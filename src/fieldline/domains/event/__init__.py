"""Events: what the platform notes of a tenant's rules for people to look at, such as debugging."""
