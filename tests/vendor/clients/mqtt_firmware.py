"""Updates firmware by ThingsBoard's own MQTT SDK; prints a JSON object of what it received."""

import hashlib
import json
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient, TBFirmwareState

port, token = int(sys.argv[1]), sys.argv[2]
answered, received, seen = threading.Event(), threading.Event(), {"told": 0}


class Client(TBDeviceMqttClient):
    """The SDK's client; it says what the platform told it."""

    def _on_message(self, client, userdata, message):
        super()._on_message(client, userdata, message)
        if "/attributes/response/" in message.topic:
            answered.set()
        elif message.topic == "v1/devices/me/attributes" and b"fw_version" in message.payload:
            seen["told"] += 1


client = Client("127.0.0.1", port, token, chunk_size=1000)


def on_firmware(_client, data, version):
    seen["version"], seen["size"] = version, len(data)
    seen["sha256"] = hashlib.sha256(data).hexdigest()
    client.update_firmware_info("pump", version, TBFirmwareState.UPDATED)
    received.set()


client.set_on_firmware_received_callback(on_firmware)
client.connect(timeout=10)
for _ in range(200):
    if client.is_connected():
        break
    threading.Event().wait(0.05)
client.get_firmware_update()
# It begins a download for every message that names a package, twice when it is told of one in the
# answer to its question and by an update at once. So nothing is asked any more when that comes.
seen["answered"] = answered.wait(20)
print("READY", flush=True)  # the test now assigns a package
seen["received"] = received.wait(40)
threading.Event().wait(0.5)  # the SDK sends its last state in the background
client.disconnect()
client.stop()
print(json.dumps(seen, default=str), flush=True)
