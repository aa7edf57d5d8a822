"""The demo: real sensor readings, replayed through the MQTT port as devices would send them."""
