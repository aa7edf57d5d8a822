"""The HTTP device API: telemetry, attributes and RPC with the access token in the path."""
