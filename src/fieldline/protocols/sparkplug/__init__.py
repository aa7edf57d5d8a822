"""Sparkplug B: the payload, its types, the topics, and what is known of an edge node. No I/O.

Source: Eclipse Sparkplug 3.0.0, chapters 4 to 6.
"""
