"""Benchmarks of a running platform: ``fieldline bench``. A client, like ``demo``."""
