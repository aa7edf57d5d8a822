"""The rule engine: chains of nodes that act on messages."""
