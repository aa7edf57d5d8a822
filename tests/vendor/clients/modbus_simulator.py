"""Runs pymodbus' simulator of a device; its registers are described in the file that is named."""

import asyncio
import json
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSimulatorContext
from pymodbus.server import StartAsyncTcpServer

with open(sys.argv[2]) as file:  # noqa: PTH123 - not a program of ours
    device = ModbusSimulatorContext(json.load(file), None)
context = ModbusServerContext(slaves=device, single=True)
asyncio.run(StartAsyncTcpServer(context, address=("127.0.0.1", int(sys.argv[1]))))
