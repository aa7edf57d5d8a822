"""Devices that speak through a gateway or an integration, made when they first do."""
