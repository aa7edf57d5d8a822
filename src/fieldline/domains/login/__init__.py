"""Logging in and out, new tokens for old ones, changing a password or resetting a forgotten one."""
