"""API usage: what each tenant used in a calendar month, and what its profile lets it use."""
