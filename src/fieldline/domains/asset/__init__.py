"""An asset: what devices serve, as a building, a hall or a machine."""
