"""Nodes that choose which way a message goes."""
