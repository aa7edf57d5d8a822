"""The MQTT server for devices: sockets and timers around ``protocols.mqtt``."""
