"""A device that speaks Modbus: pymodbus' simulator, and a look into its registers.

Source: MODBUS Application Protocol 1.1b3, MODBUS Messaging on TCP/IP 1.0b.
"""

import json
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.server import free_port
from tests.vendor.test_sdks import CLIENTS, python_of
from tests.vendor.waits import is_open, within

TEMPERATURE, SETPOINT, POWER, COILS, SERIAL = 1, 2, 3, 5, 6
"""Where the registers of the device are; POWER takes two, SERIAL three."""
FAN = COILS * 16
"""The address of the first bit of COILS, as a coil."""
_DEVICE = {
    "setup": {
        "co size": 10,
        "di size": 10,
        "hr size": 10,
        "ir size": 10,
        "shared blocks": True,
        "type exception": False,
        "defaults": {
            "value": {"bits": 0, "uint16": 0, "uint32": 0, "float32": 0.0, "string": " "},
            "action": dict.fromkeys(("bits", "uint16", "uint32", "float32", "string")),
        },
    },
    "invalid": [],
    "write": [TEMPERATURE, SETPOINT, COILS],
    "uint16": [{"addr": TEMPERATURE, "value": 215}, {"addr": SETPOINT, "value": 40}],
    "float32": [{"addr": [POWER, POWER + 1], "value": 12.5}],
    "bits": [COILS],
    "string": [{"addr": [SERIAL, SERIAL + 2], "value": "AX-170"}],
    "uint32": [],
    "repeat": [],
}
_READ_REGISTERS, _WRITE_REGISTER = 3, 6


class Registers:
    """The registers of the device that listens on a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def read(self, address: int) -> int:
        """Return what a register holds."""
        [value] = struct.unpack(">H", self._ask(_READ_REGISTERS, address, 1)[1:])
        return int(value)

    def write(self, address: int, value: int) -> None:
        """Change a register, as the device itself would."""
        self._ask(_WRITE_REGISTER, address, value)

    def _ask(self, function: int, address: int, value: int) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as sock:
            sock.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 1, function, address, value))
            stream = sock.makefile("rb")
            *_, length, _unit = struct.unpack(">HHHB", stream.read(7))
            answer = stream.read(length - 1)
        assert answer[0] == function, f"function {function} failed: {answer.hex()}"
        return answer[1:]


@contextmanager
def simulator(folder: Path) -> Iterator[Registers]:
    """Run the device."""
    described = folder / "registers.json"
    described.write_text(json.dumps(_DEVICE))
    port = free_port()
    process = subprocess.Popen(
        [
            python_of("thingsboard-gateway"),
            str(CLIENTS / "modbus_simulator.py"),
            str(port),
            described,
        ]
    )
    try:
        within(20, lambda: is_open(port))
        yield Registers(port)
    finally:
        process.kill()
        process.wait()


def connector(port: int) -> dict[str, Any]:
    """Configure the gateway's Modbus connector to ask the device five times a second."""
    word = {"type": "16uint", "objectsCount": 1}
    fan = {"type": "bits", "objectsCount": 1, "address": FAN, "bitTargetType": "bool"}
    return {
        "master": {
            "slaves": [
                {
                    "host": "127.0.0.1",
                    "port": port,
                    "type": "tcp",
                    "method": "socket",
                    "unitId": 1,
                    "deviceName": "boiler",
                    "deviceType": "heating",
                    "byteOrder": "BIG",
                    "wordOrder": "BIG",
                    "timeout": 5,
                    "pollPeriod": 200,
                    "attributes": [
                        {
                            "tag": "serial",
                            "type": "string",
                            "functionCode": 3,
                            "objectsCount": 3,
                            "address": SERIAL,
                        }
                    ],
                    "timeseries": [
                        {
                            **word,
                            "tag": "temperature",
                            "functionCode": 3,
                            "address": TEMPERATURE,
                            "divider": 10,
                        },
                        {
                            "tag": "power",
                            "type": "32float",
                            "functionCode": 4,
                            "objectsCount": 2,
                            "address": POWER,
                        },
                        {**fan, "tag": "fan", "functionCode": 1},
                    ],
                    "attributeUpdates": [
                        {**word, "tag": "setpoint", "functionCode": 6, "address": SETPOINT}
                    ],
                    "rpc": [
                        {**word, "tag": "getSetpoint", "functionCode": 3, "address": SETPOINT},
                        {**fan, "tag": "setFan", "functionCode": 5},
                    ],
                }
            ]
        }
    }
