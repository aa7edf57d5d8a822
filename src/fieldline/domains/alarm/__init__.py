"""An alarm: a condition of a device that people should know of, from raised to cleared."""
