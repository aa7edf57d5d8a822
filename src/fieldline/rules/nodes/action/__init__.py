"""Nodes that do something: store, tell, raise an alarm."""
