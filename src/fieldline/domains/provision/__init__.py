"""Provisioning: devices that make themselves known with the key and secret of their profile."""
