"""Drives ThingsBoard's own MQTT SDK as a gateway; prints one JSON object of what it saw."""

import json
import sys
import threading

from tb_gateway_mqtt import TBGatewayMqttClient

port, token = int(sys.argv[1]), sys.argv[2]
client = TBGatewayMqttClient("127.0.0.1", port, token)
pushed, asked = threading.Event(), threading.Event()
answers = {"shared": threading.Event(), "client": threading.Event(), "several": threading.Event()}
seen = {}


def on_rpc(_gateway, request):
    seen["request"] = request
    client.gw_send_rpc_reply(request["device"], request["data"]["id"], {"done": True})
    asked.set()


def on_push(content, *_):
    seen["pushed"] = content
    pushed.set()


def on_answer(name):
    def answer(content, error):
        seen[name], seen[f"{name} error"] = content, str(error) if error else None
        answers[name].set()

    return answer


client.gw_set_server_side_rpc_request_handler(on_rpc)
client.connect(timeout=10)
for _ in range(200):
    if client.is_connected():
        break
    threading.Event().wait(0.05)
seen["connected"] = client.is_connected()
seen["connect"] = client.gw_connect_device("SDK meter", "meter").get()
client.gw_subscribe_to_all_device_attributes("SDK meter", on_push)
sent = client.gw_send_telemetry(
    "SDK meter", [{"ts": 1700000000000, "values": {"t": 20}}, {"t": 21}]
)
seen["telemetry"] = sent.get()
seen["unannounced"] = client.gw_send_telemetry(
    "SDK other", {"ts": 1700000000000, "values": {"t": 1}}
).get()
seen["attributes"] = client.gw_send_attributes(
    "SDK meter", {"serial": "A1", "limits": {"high": 5}}
).get()
print("READY", flush=True)  # the test now writes a shared attribute, and calls
seen["push arrived"] = pushed.wait(20)
seen["asked"] = asked.wait(20)
client.gw_request_shared_attributes("SDK meter", ["target"], on_answer("shared"))
seen["shared arrived"] = answers["shared"].wait(20)
client.gw_request_client_attributes("SDK meter", ["serial"], on_answer("client"))
seen["client arrived"] = answers["client"].wait(20)
client.gw_request_client_attributes("SDK meter", ["serial", "limits"], on_answer("several"))
seen["several arrived"] = answers["several"].wait(20)
seen["disconnect"] = client.gw_disconnect_device("SDK meter").get()
client.disconnect()
client.stop()
print(json.dumps(seen, default=str), flush=True)
