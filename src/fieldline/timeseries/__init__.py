"""Readings, their latest values and attributes: one interface, several stores, one writer."""
