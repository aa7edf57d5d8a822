"""An asset profile: the kind of asset, with its rule chain."""
