"""Notifications of users: nothing makes any yet, so there are none to read."""
