"""Drives ThingsBoard's own REST client; prints one JSON object of what it saw."""

import json
import sys

from tb_ce_client.client import ThingsboardClient
from tb_ce_client.exceptions import ApiException
from tb_ce_client.models.device import Device

url = sys.argv[1]
seen = {}
with ThingsboardClient(url, "tenant@thingsboard.org", "tenant") as client:
    created = client.save_device(Device(name="Pump 1", label="North"), access_token="PUMP_1")
    device_id = str(created.id.id)
    seen["created"] = [created.name, created.type, created.version]
    seen["credentials"] = client.get_device_credentials_by_device_id(device_id).credentials_id
    created.label = "South"
    seen["updated"] = client.save_device(created).label
    page = client.get_tenant_devices(page_size=100, page=0, text_search="pump")
    seen["listed"] = [[device.name, device.label] for device in page.data]
    seen["read"] = client.get_device_by_id(device_id).name
    client.delete_device(device_id)
    seen["left"] = len(client.get_tenant_devices(page_size=100, page=0, text_search="pump").data)
    try:
        client.get_device_by_id(device_id)
    except ApiException as error:
        seen["after delete"] = error.status
print(json.dumps(seen), flush=True)
