"""Relations between entities: which contains, manages or uses which, and searches along them."""
