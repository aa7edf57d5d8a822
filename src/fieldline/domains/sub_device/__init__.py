"""Sub-devices: devices that speak through a gateway, made when they first do."""
