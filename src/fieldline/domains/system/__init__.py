"""The installation as a whole: what clients ask at log-in, use of a tenant, and the machine."""
