"""Fieldline: an IoT platform in one small process."""

__version__ = "0.1.0"
