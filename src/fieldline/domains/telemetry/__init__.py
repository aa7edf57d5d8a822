"""Readings and attributes of any entity as people see and write them, whatever the dialect."""
