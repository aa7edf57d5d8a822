"""What a user has set up for the own eyes: one JSON object per user and type."""
