"""Claiming: a customer's user takes over a device that nobody has, with the device's secret key."""
