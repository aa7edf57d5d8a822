"""``fieldline watch``: prints what a device sends, live, as a WebSocket client sees it."""

import asyncio
import json
import re
from uuid import UUID

import typer

from fieldline.kit.errors import FieldlineError, Unavailable


def watch(
    device_id: UUID = typer.Argument(help="Id of the device."),
    token: str = typer.Option(help="Access token of a user who may see the device."),
    url: str = typer.Option("http://localhost:8080", "--url", help="The server."),
    keys: str = typer.Option("", "--keys", help="Keys to watch, a,b,c; all without it."),
    count: int = typer.Option(0, "--count", help="End after this many updates; 0 never ends."),
) -> None:
    """Print the latest values of a device, then every new reading, one JSON object a line."""
    asyncio.run(_watch(device_id, token, url.rstrip("/"), keys, count))


async def _watch(device_id: UUID, token: str, url: str, keys: str, count: int) -> None:
    import websockets  # noqa: PLC0415 - only this command needs it

    command = {
        "type": "TIMESERIES",
        "cmdId": 1,
        "entityType": "DEVICE",
        "entityId": str(device_id),
        "keys": keys,
    }
    seen = 0
    try:
        async with websockets.connect(f"{_as_websocket(url)}/api/ws") as socket:
            await socket.send(
                json.dumps({"authCmd": {"cmdId": 0, "token": token}, "cmds": [command]})
            )
            async for frame in socket:
                update = json.loads(frame)
                if update.get("errorCode"):
                    msg = f"The server refused: {update['errorMsg']}"
                    raise FieldlineError(msg)
                typer.echo(json.dumps(update["data"]))
                seen += 1
                if seen == count:
                    return
    except websockets.ConnectionClosedError as error:
        msg = f"The server closed the connection: {error.rcvd.reason if error.rcvd else error}"
        raise FieldlineError(msg) from error
    except (OSError, websockets.WebSocketException) as error:
        msg = f"{url} does not answer as Fieldline does ({error}); is the server running there?"
        raise Unavailable(msg) from error


def _as_websocket(url: str) -> str:
    return re.sub(r"^http(s?)://", r"ws\1://", url)
