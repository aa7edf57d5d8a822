"""The v1 dialect: one file per resource, over the services of the domains."""
