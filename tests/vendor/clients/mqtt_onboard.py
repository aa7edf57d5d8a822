"""Has ThingsBoard's own MQTT SDK provision a device and offer it; prints a JSON object."""

import json
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient

port, key, secret = int(sys.argv[1]), *sys.argv[2].split(":")
seen = {
    "wrong": TBDeviceMqttClient.provision("127.0.0.1", key, "wrong", port=port, device_name="x"),
    "own": TBDeviceMqttClient.provision(
        "127.0.0.1", key, secret, port=port, device_name="SDK own", access_token="OWN_TOKEN"
    ),
    "token": TBDeviceMqttClient.provision(
        "127.0.0.1", key, secret, port=port, device_name="SDK made"
    ),
    "basic": TBDeviceMqttClient.provision(
        "127.0.0.1", key, secret, port=port, device_name="SDK basic",
        username="basic", password="a password",
    ),
}  # fmt: skip
token = seen["token"]["credentialsValue"]
client = TBDeviceMqttClient("127.0.0.1", port, token)
client.connect(timeout=10)
for _ in range(200):
    if client.is_connected():
        break
    threading.Event().wait(0.05)
seen["connected"] = client.is_connected()
seen["telemetry"] = client.send_telemetry({"t": 1}).get()
seen["claim"] = client.claim("a secret key", 60_000).get()
client.disconnect()
client.stop()
print("READY", flush=True)
print(json.dumps(seen, default=str), flush=True)
