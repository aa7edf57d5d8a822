"""Manages OTA packages by ThingsBoard's own REST client; prints one JSON object of what it saw."""

import json
import sys
import zlib

from tb_ce_client import models
from tb_ce_client.client import ThingsboardClient
from tb_ce_client.exceptions import ApiException

url = sys.argv[1]
DATA = b"an image of the pump" * 5_000
CRC32 = zlib.crc32(DATA).to_bytes(4, "little").hex()
PAGE = {"page_size": 100, "page": 0}
OWN = {**PAGE, "text_search": "pump"}
seen = {}


def refused(call, *arguments, **named):
    """Return the status and the message that a call ends with."""
    try:
        call(*arguments, **named)
    except ApiException as error:
        return [error.status, json.loads(error.body)["message"]]


with ThingsboardClient(url, "tenant@thingsboard.org", "tenant") as client:
    profile = client.save_device_profile(
        models.DeviceProfile.from_dict(
            {
                "name": "pump",
                "type": "DEFAULT",
                "transportType": "DEFAULT",
                "provisionType": "DISABLED",
                "profileData": {
                    "configuration": {"type": "DEFAULT"},
                    "transportConfiguration": {"type": "DEFAULT"},
                },
            }
        )
    )
    profile_id = str(profile.id.id)
    device = client.save_device(models.Device(name="Pump 1", device_profile_id=profile.id))

    def make(version, **fields):
        return client.save_ota_package_info(
            models.SaveOtaPackageInfoRequest(
                device_profile_id=profile.id,
                type="FIRMWARE",
                title="pump",
                version=version,
                **fields,
            )
        )

    made = make("1")
    package_id = str(made.id.id)
    seen["made"] = [made.title, made.version, made.has_data]
    seen["wrong checksum"] = refused(
        client.save_ota_package_data, package_id, "CRC32", ("pump.bin", DATA), "00000000"
    )
    full = client.save_ota_package_data(package_id, "CRC32", ("pump.bin", DATA), CRC32)
    seen["file"] = [full.has_data, full.data_size, full.file_name, full.checksum == CRC32]
    seen["second file"] = refused(
        client.save_ota_package_data, package_id, "CRC32", ("pump.bin", DATA)
    )
    linked = make("2", url="https://files.example.org/pump-2.bin", uses_url=True)
    empty = make("3")
    seen["listed"] = sorted(each.version for each in client.get_ota_packages(**OWN).data)
    seen["searched"] = len(client.get_ota_packages(**PAGE, text_search="pump-2").data)
    seen["assignable"] = sorted(
        each.version
        for each in client.get_ota_packages_by_device_profile_and_type(
            profile_id, "FIRMWARE", **PAGE
        ).data
    )
    seen["info"] = client.get_ota_package_info_by_id(package_id).checksum_algorithm
    seen["whole"] = client.get_ota_package_by_id(package_id).data is not None
    seen["downloaded"] = bytes(client.download_ota_package(package_id)) == DATA

    seen["following"] = client.count_by_device_profile_and_empty_ota_package("FIRMWARE", profile_id)
    device.firmware_id = made.id
    device = client.save_device(device)
    profile.firmware_id = linked.id
    profile = client.save_device_profile(profile)
    seen["assigned"] = [device.firmware_id.id == made.id.id, profile.firmware_id.id == linked.id.id]
    seen["own"] = client.count_by_device_profile_and_empty_ota_package("FIRMWARE", profile_id)
    device.firmware_id = empty.id
    seen["without content"] = refused(client.save_device, device)
    seen["used by a device"] = refused(client.delete_ota_package, package_id)
    seen["used by a profile"] = refused(client.delete_ota_package, str(linked.id.id))

    device.firmware_id = None
    device = client.save_device(device)
    profile.firmware_id = None
    profile = client.save_device_profile(profile)
    seen["unassigned"] = [device.firmware_id, profile.firmware_id]
    for each in (made, linked, empty):
        client.delete_ota_package(str(each.id.id))
    seen["left"] = len(client.get_ota_packages(**OWN).data)
    seen["after delete"] = refused(client.get_ota_package_info_by_id, package_id)[0]
print(json.dumps(seen), flush=True)
