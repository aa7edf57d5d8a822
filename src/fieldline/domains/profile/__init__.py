"""What device profiles and asset profiles share."""
