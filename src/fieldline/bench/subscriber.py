"""WebSocket subscribers: when they see what a device published."""

import asyncio
import json
import time
from array import array

import websockets

KEY = "pulseCounter"


class Subscribers:
    """One subscriber for each watched device, all in this process, which also publishes.

    So both ends of a latency are read off one clock. Device number n is watched by subscriber n.
    """

    def __init__(self, device_ids: list[str]) -> None:
        self.is_measuring = False
        self.latencies_s = array("d")
        self._due: list[dict[int, float]] = [{} for _ in device_ids]
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[websockets.ClientConnection] = []

    @classmethod
    async def open(cls, http_url: str, user_token: str, device_ids: list[str]) -> "Subscribers":
        """Connect and subscribe all; returns when each has its first answer."""
        subscribers = cls(device_ids)
        for number, device_id in enumerate(device_ids):
            socket = await websockets.connect(
                http_url.replace("http", "ws", 1) + "/api/ws", max_queue=None
            )
            subscribers._sockets.append(socket)
            command = {
                "type": "TIMESERIES",
                "cmdId": 1,
                "entityType": "DEVICE",
                "entityId": device_id,
                "keys": KEY,
            }
            message = {"authCmd": {"cmdId": 0, "token": user_token}, "cmds": [command]}
            await socket.send(json.dumps(message))
            await socket.recv()
            subscribers._tasks.append(asyncio.create_task(subscribers._read(number, socket)))
        return subscribers

    def published(self, number: int, ts_ms: int, due_s: float) -> None:
        """Note a reading of a device, if it is watched."""
        if number < len(self._due):
            self._due[number][ts_ms] = due_s

    async def _read(self, number: int, socket: websockets.ClientConnection) -> None:
        due = self._due[number]
        async for frame in socket:
            now = time.perf_counter()
            for ts_ms, _value in json.loads(frame)["data"].get(KEY, ()):
                due_s = due.pop(ts_ms, None)
                if due_s is not None and self.is_measuring:
                    self.latencies_s.append(now - due_s)

    async def close(self) -> None:
        """Close all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._sockets))
