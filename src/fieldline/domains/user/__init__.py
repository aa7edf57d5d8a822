"""People who log in, and what proves who they are."""
