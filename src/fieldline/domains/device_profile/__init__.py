"""A device profile: the kind of device, with its transport, rule chain and provisioning."""
