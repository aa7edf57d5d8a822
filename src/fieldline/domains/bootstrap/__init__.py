"""What a new installation starts with, and the logins of a demo."""
