"""Nodes that add what is known of the originator to a message."""
