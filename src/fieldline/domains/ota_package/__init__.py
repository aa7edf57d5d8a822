"""OTA packages: firmware and software of a device profile's devices, as data or as a URL."""
