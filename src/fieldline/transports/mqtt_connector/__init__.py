"""The MQTT connector: a client of somebody else's brokers, one connection for each integration."""
