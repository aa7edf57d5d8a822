"""Updates firmware by ThingsBoard's own HTTP SDK; it stores the file under the package's title."""

import json
import sys
import threading

from tb_device_http import TBHTTPDevice

url, token = sys.argv[1], sys.argv[2]
device = TBHTTPDevice(url, token, chunk_size=1000)
seen = {"connected": device.connect()}
device.get_firmware_update()
threading.Event().wait(1)  # the SDK sends its last state in the background
print(json.dumps(seen), flush=True)
