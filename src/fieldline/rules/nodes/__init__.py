"""The rule nodes that come with the platform, by kind."""
