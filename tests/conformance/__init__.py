"""Contracts of the interfaces that have several implementations, as test classes."""
