"""Readings and attributes of entities that are gone, deleted after them."""
