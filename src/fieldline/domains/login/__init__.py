"""Logging in and out, new tokens for old ones, changing the password."""
