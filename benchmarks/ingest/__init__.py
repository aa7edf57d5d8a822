"""How fast readings come in: a load generator in its own process, and a runner around it."""
