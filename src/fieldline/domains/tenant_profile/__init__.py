"""What a tenant may use: how many devices, assets, users, how much of what."""
