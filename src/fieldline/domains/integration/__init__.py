"""Integrations: connections to somebody else's MQTT broker, whose messages become readings."""
