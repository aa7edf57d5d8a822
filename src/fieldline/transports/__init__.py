"""The edges for devices: one package per protocol, sockets and timers only."""
