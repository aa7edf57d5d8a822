"""Who owns data: everything in the platform but its administration belongs to a tenant."""
