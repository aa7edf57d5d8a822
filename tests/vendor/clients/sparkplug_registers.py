"""An edge node by mqtt-spb-wrapper: born with attributes and data, some readings, a good-bye."""

import datetime as dt
import json
import sys
import uuid

from mqtt_spb_wrapper import MqttSpbEntityEdgeNode

port, token = int(sys.argv[1]), sys.argv[2]
node = MqttSpbEntityEdgeNode("Plant 2", "meter", include_spb_rebirth=False)
node.attributes.set_value("serial", "A-17")
node.data.set_value("power", 1.5)
node.data.set_value("count", -3)
node.data.set_value("on", True)
node.data.set_value("note", "Größe")
node.data.set_value("raw", b"\x00\x7f\xff")
node.data.set_value("id", uuid.UUID(int=7))
node.data.set_value("at", dt.datetime.fromtimestamp(1_700_000_000, dt.UTC))
node.data.set_value("table", {"phase": ["a", "b"], "volt": [230.5, 231.0]})
connected = node.connect("127.0.0.1", port, user=token, timeout=20)
node.publish_birth(qos=1)
print("READY", flush=True)  # the test looks at what was born
sys.stdin.readline()
node.data.set_value("count", -4)
node.data.set_value("power", 2.5, 1_700_000_001_000)
node.publish_data(qos=1)
print(json.dumps({"connected": connected}), flush=True)
sys.stdin.readline()
node.disconnect()
