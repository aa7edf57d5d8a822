"""An alarm: a condition of an entity that people should know of, from raised to cleared."""
