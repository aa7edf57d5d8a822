"""Drives ThingsBoard's own MQTT SDK through RPC both ways; prints a JSON object of what it saw."""

import json
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient

port, token = int(sys.argv[1]), sys.argv[2]
client = TBDeviceMqttClient("127.0.0.1", port, token)
asked, answered = threading.Semaphore(0), threading.Event()
seen = {"requests": []}


def on_request(request_id, request):
    seen["requests"].append([request_id, request])
    if request["method"] == "getGpio":
        client.send_rpc_reply(request_id, {"pin": request["params"]["pin"], "value": 1})
    asked.release()


def on_answer(request_id, content, error):
    seen["answer"], seen["error"] = content, str(error) if error else None
    answered.set()


client.set_server_side_rpc_request_handler(on_request)
client.connect(timeout=10)
for _ in range(200):
    if client.is_connected():
        break
    threading.Event().wait(0.05)
seen["connected"] = client.is_connected()
print("READY", flush=True)  # the test now calls: two-way, one-way, persistent
seen["asked"] = [asked.acquire(timeout=20) for _ in range(3)]
client.send_rpc_call("getTime", {"zone": "UTC"}, on_answer)
seen["answered"] = answered.wait(20)
client.disconnect()
client.stop()
print(json.dumps(seen, default=str), flush=True)
