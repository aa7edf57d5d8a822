"""Entities of one kind that are found by following relations."""
