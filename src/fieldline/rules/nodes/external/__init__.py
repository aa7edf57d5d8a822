"""Nodes that talk to other systems."""
