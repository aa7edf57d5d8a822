"""How long pages of a large tenant take."""
