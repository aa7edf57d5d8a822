"""What the platform knows: one package per kind of entity."""
