"""Device credentials: what proves that a device is the one it says."""
