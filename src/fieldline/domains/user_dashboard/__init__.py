"""The dashboards that a user opened last, and those that it starred."""
