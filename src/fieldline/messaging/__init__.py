"""The bus between the parts, and what travels on it."""
