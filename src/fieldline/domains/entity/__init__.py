"""Entities of any kind, by their reference."""
