"""Updates firmware by ThingsBoard's own MQTT SDK, a client for each token.

Prints READY when all clients know that there is nothing yet, at the end a JSON object: what each
of them received.
"""

import hashlib
import json
import sys
import threading
import time

from tb_device_mqtt import TBDeviceMqttClient, TBFirmwareState

port, tokens = int(sys.argv[1]), sys.argv[2].split(",")


class Client(TBDeviceMqttClient):
    """The SDK's client; it says what the platform told it."""

    def __init__(self, token):
        super().__init__("127.0.0.1", port, token, chunk_size=1000)
        self.online, self.answered = threading.Event(), threading.Event()
        self.received = threading.Event()
        self.seen = {"told": 0, "connected": 0}
        self.set_on_firmware_received_callback(self.install)

    def begin(self):
        """Connect, and ask for firmware."""
        self.connect(timeout=10)
        self.online.wait(20)
        self.get_firmware_update()
        # It begins a download for every message that names a package, twice when it is told of one
        # in the answer to its question and by an update at once. So none is asked for any more
        # when that comes.
        self.seen["answered"] = self.answered.wait(20)

    def finish(self):
        """Wait for firmware; whenever the connection is back it is asked for again."""
        deadline = time.monotonic() + 40
        while not self.received.wait(0.05) and time.monotonic() < deadline:
            if self.online.is_set():
                self.online.clear()
                if self.seen["connected"] > 1:
                    self.get_firmware_update()
        threading.Event().wait(0.5)  # the SDK sends its last state in the background
        self.disconnect()
        self.stop()
        return self.seen

    def install(self, _client, data, version):
        self.seen["version"], self.seen["size"] = version, len(data)
        self.seen["sha256"] = hashlib.sha256(data).hexdigest()
        self.update_firmware_info("pump", version, TBFirmwareState.UPDATED)
        self.received.set()

    def _on_connect(self, *given, **named):
        # The SDK's callback may be set too late for the first connection.
        super()._on_connect(*given, **named)
        self.seen["connected"] += 1
        self.online.set()

    def _on_message(self, client, userdata, message):
        super()._on_message(client, userdata, message)
        if "/attributes/response/" in message.topic:
            self.answered.set()
        elif message.topic == "v1/devices/me/attributes" and b"fw_version" in message.payload:
            self.seen["told"] += 1


clients = [Client(token) for token in tokens]
for each in clients:
    each.begin()
print("READY", flush=True)  # the test now assigns packages
seen = [each.finish() for each in clients]
print(json.dumps(dict(zip(tokens, seen, strict=True))), flush=True)
