"""Clients that others wrote, unmodified, against the real server: what a stranger may expect."""
