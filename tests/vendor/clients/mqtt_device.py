"""Drives ThingsBoard's own MQTT SDK; prints one JSON object of what it saw."""

import json
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient

port, token = int(sys.argv[1]), sys.argv[2]
client = TBDeviceMqttClient("127.0.0.1", port, token)
pushed, answered = threading.Event(), threading.Event()
seen = {}


def on_push(content, *_):
    seen["pushed"] = content
    pushed.set()


def on_answer(content, error):
    seen["requested"], seen["error"] = content, str(error) if error else None
    answered.set()


client.subscribe_to_all_attributes(on_push)
client.connect(timeout=10)
for _ in range(200):
    if client.is_connected():
        break
    threading.Event().wait(0.05)
seen["connected"] = client.is_connected()
seen["telemetry"] = client.send_telemetry({"temperature": 21.5, "on": True, "name": "x"}).get()
seen["history"] = client.send_telemetry({"ts": 1700000000000, "values": {"temperature": 20}}).get()
seen["attributes"] = client.send_attributes({"firmware": "1.2.3", "limits": {"high": 80}}).get()
print("READY", flush=True)  # the test now writes a shared attribute
seen["push arrived"] = pushed.wait(10)
client.request_attributes(["firmware", "limits"], ["targetTemperature"], on_answer)
seen["answer arrived"] = answered.wait(10)
client.disconnect()
client.stop()
print(json.dumps(seen, default=str), flush=True)
