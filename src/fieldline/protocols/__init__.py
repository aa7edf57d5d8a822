"""Wire formats: bytes to events and back, without input, output or a clock."""
