"""Alarm rules: evaluated on every value that a save node is about to store."""
