"""Nodes that lead to other chains and queues."""
