"""Mail that the platform sends: a message, and the way to the mail server of the settings."""
