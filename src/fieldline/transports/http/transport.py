"""The HTTP device API: telemetry, attributes and RPC of devices, the token in the path.

Each request is a session of its own: activity of the device, but no connection. An answer 200 says
that what came is stored. Source: ThingsBoard's HTTP device API.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from fieldline.ingest.attributes import AttributeRequest
from fieldline.ingest.door import Door
from fieldline.ingest.packages import OtaType
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import FieldlineError, Invalid, Unavailable
from fieldline.kit.file_names import download_headers
from fieldline.kit.json import dumps
from fieldline.messaging.receipt import Receipt
from fieldline.transports.http.body import SMALL_BYTES, Bodies
from fieldline.transports.http.errors import DOCUMENTED, answer
from fieldline.transports.http.polls import DeviceCall, Poll

Token = Annotated[str, Path(description="The device's access token.")]
_NAMES = "Names, separated by commas or repeated."
ClientKeys = Annotated[
    list[str], Query(alias="clientKeys", default_factory=list, description=_NAMES)
]
SharedKeys = Annotated[
    list[str], Query(alias="sharedKeys", default_factory=list, description=_NAMES)
]
_JSON_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
_MAY_BODY: dict[str, Any] = {"requestBody": {"content": {"application/json": {"schema": {}}}}}
RpcNumber = Annotated[
    int, Path(ge=-(2**31), lt=2**31, description="The command's id, as it was sent.")
]
MAX_NUMBER = 2**31 - 1
ChunkSize = Annotated[
    int, Query(ge=0, le=MAX_NUMBER, description="Bytes of each chunk; 0 is the whole file.")
]
ChunkNumber = Annotated[
    int, Query(ge=0, le=MAX_NUMBER, description="Which chunk; the first one is 0.")
]
PACKAGE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The data.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    404: {"description": "The device has no package, or only its URL."},
}
Timeout = Annotated[int, Query(description="How long to wait, in ms; 0 is a minute.")]


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Limits of the HTTP device API.

    Attributes:
        max_body_bytes: of telemetry and attributes.
        max_rpc_bytes: of RPC.
        large_bodies: bodies over 64 KiB that are worked on at a time.
        polls: requests that may wait for an update at a time.
        poll_ms: how long one waits that does not say.
        max_poll_ms: how long one may wait.
        rpc_s: how long a call waits; longer than the rules have for it.
    """

    max_body_bytes: int = 8 * 1024 * 1024
    max_rpc_bytes: int = 65_536
    large_bodies: int = 4
    polls: int = 10_000
    poll_ms: int = 60_000
    max_poll_ms: int = 300_000
    rpc_s: float = 65.0


def device_router(door: Door, options: HttpOptions | None = None) -> APIRouter:
    """Return the routes; mount them after v1's, whose resources have names where tokens stand."""
    api = _DeviceApi(door, options or HttpOptions())
    router = APIRouter(
        prefix="/api/v1", tags=["device API"], route_class=_DeviceRoute, responses=DOCUMENTED
    )
    router.add_api_route("/provision", api.provision, methods=["POST"], openapi_extra=_JSON_BODY)
    router.add_api_route(
        "/{token}/claim",
        api.post_claim,
        methods=["POST"],
        response_class=Response,
        openapi_extra=_MAY_BODY,
    )
    for path, store in (("telemetry", api.post_telemetry), ("attributes", api.post_attributes)):
        router.add_api_route(
            f"/{{token}}/{path}",
            store,
            methods=["POST"],
            response_class=Response,
            openapi_extra=_JSON_BODY,
        )
    router.add_api_route("/{token}/attributes", api.get_attributes, methods=["GET"])
    for path, poll in (("attributes/updates", api.poll_attributes), ("rpc", api.poll_rpc)):
        router.add_api_route(
            f"/{{token}}/{path}",
            poll,
            methods=["GET"],
            responses={408: {"description": "There was nothing in time."}},
        )
    for kind in OtaType:
        router.add_api_route(
            f"/{{token}}/{kind.label}",
            api.download(kind),
            methods=["GET"],
            response_class=StreamingResponse,
            responses=PACKAGE_ANSWERS,
        )
    router.add_api_route(
        "/{token}/rpc",
        api.post_rpc,
        methods=["POST"],
        responses={408: {"description": "There was no answer in time."}},
        openapi_extra=_JSON_BODY,
    )
    router.add_api_route(
        "/{token}/rpc/{number}",
        api.answer_rpc,
        methods=["POST"],
        response_class=Response,
        openapi_extra=_JSON_BODY,
    )
    return router


class _DeviceRoute(APIRoute):
    """Answers errors the way devices know them, whatever the application does elsewhere."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()

        async def handle_for_device(request: Request) -> Response:
            try:
                response: Response = await handle(request)
            except FieldlineError as error:
                return answer(error)
            except RequestValidationError as error:
                return answer(Invalid(_complaint(error.errors()[0])))
            return response

        return handle_for_device


class _DeviceApi:
    def __init__(self, door: Door, options: HttpOptions) -> None:
        self._door = door
        self._options = options
        self._bodies = Bodies(options.large_bodies)
        self._polls = 0

    async def post_telemetry(self, token: Token, request: Request) -> Response:
        """Store telemetry: ``{"k": v}``, ``{"ts": ms, "values": {..}}``, or an array of these."""
        session = await self._session(token, request)
        stored = _Stored()
        async with self._bodies.read(request, self._options.max_body_bytes) as body:
            self._check_room(session)
            stored.receipt.weight = len(body) >> 10
            if len(body) <= SMALL_BYTES:
                self._door.telemetry(session, body, stored.receipt)
            else:
                await self._door.bulk_telemetry(session, body, stored.receipt)
        return await stored.response()

    async def post_attributes(self, token: Token, request: Request) -> Response:
        """Store client attributes: a JSON object."""
        session = await self._session(token, request)
        stored = _Stored()
        async with self._bodies.read(request, self._options.max_body_bytes) as body:
            self._check_room(session)
            stored.receipt.weight = len(body) >> 10
            self._door.attributes(session, body, stored.receipt)
        return await stored.response()

    async def post_claim(self, token: Token, request: Request) -> Response:
        """Let the device be claimed: ``{"secretKey": "k", "durationMs": ms}``, or nothing."""
        session = await self._session(token, request)
        stored = _Stored()
        async with self._bodies.read(request, self._options.max_rpc_bytes) as body:
            self._door.claim(session, body, stored.receipt)
        return await stored.response()

    async def provision(self, request: Request) -> Response:
        """Become a device, with the provision key and secret of a device profile.

        Answers 200 also when it is refused: ``status`` is ``SUCCESS``, ``NOT_FOUND`` or
        ``FAILURE``.
        """
        self._check_room()
        async with self._bodies.read(request, self._options.max_rpc_bytes) as body:
            wanted = self._door.read_provision_request(body)
        return _json(dumps((await self._door.provision(wanted, _address(request))).document()))

    async def get_attributes(
        self, token: Token, request: Request, client_keys: ClientKeys, shared_keys: SharedKeys
    ) -> Response:
        """Return client and shared attributes by name; without names, all of them."""
        session = await self._session(token, request)
        wanted = AttributeRequest.of(",".join(client_keys) or None, ",".join(shared_keys) or None)
        return _json(dumps(await self._door.read_attributes(session, wanted)))

    async def poll_attributes(
        self,
        token: Token,
        request: Request,
        timeout: Timeout = 0,  # noqa: ASYNC109
    ) -> Response:
        """Wait for the next change of a shared attribute; 408 when there is none in time."""
        async with self._waiting(token, request) as (session, poll):
            self._door.subscribe_attributes(session)
            return _news(await poll.wait(self._poll_s(timeout)))

    async def poll_rpc(self, token: Token, request: Request, timeout: Timeout = 0) -> Response:  # noqa: ASYNC109
        """Wait for the next command: ``{"id", "method", "params"}``; 408 when there is none."""
        async with self._waiting(token, request) as (session, poll):
            self._door.subscribe_rpc(session)
            news = await poll.wait(self._poll_s(timeout))
            if poll.number is not None:
                self._door.rpc_delivered(session, poll.number)
            return _news(news)

    async def answer_rpc(self, token: Token, number: RpcNumber, request: Request) -> Response:
        """Answer a command: any text; an answer that nobody waits for is taken too."""
        session = await self._session(token, request)
        async with self._bodies.read(request, self._options.max_rpc_bytes) as body:
            self._door.rpc_answered(session, number, body)
        return Response()

    async def post_rpc(self, token: Token, request: Request) -> Response:
        """Call the platform: ``{"method": "m", "params": <any JSON>}``; waits for the answer."""
        session = await self._session(token, request)
        async with self._bodies.read(request, self._options.max_rpc_bytes) as body:
            self._check_room(session)
            _require_params(body)
            call = DeviceCall()
            self._door.client_rpc(session, body, call.on_answer, call.on_gone)
        answer = await call.wait(self._options.rpc_s)
        return Response(status_code=408) if answer is None else _json(answer)

    def download(self, kind: OtaType) -> Callable[..., Awaitable[Response]]:
        """Return what answers with the data of a device's package."""

        async def download(
            token: Token,
            request: Request,
            title: Annotated[str, Query(description=f"Of the assigned {kind.label}.")],
            version: Annotated[str, Query(description=f"Of the assigned {kind.label}.")],
            size: ChunkSize = 0,
            chunk: ChunkNumber = 0,
        ) -> Response:
            session = await self._session(token, request)
            self._door.packages.admit(session)
            package = await self._door.packages.find(session, kind)
            if (title, version) != (package.title, package.version):
                msg = (
                    f"The device's {kind.label} is '{package.title}' version '{package.version}', "
                    f"not '{title[:255]}' version '{version[:255]}'"
                )
                raise Invalid(msg)
            wanted = package.slice(size, chunk)
            return StreamingResponse(
                self._door.packages.parts(wanted),
                media_type=package.content_type,
                headers=download_headers(package.file_name) | {"Content-Length": str(wanted.size)},
            )

        download.__name__ = f"download_{kind.label}"
        download.__doc__ = (
            f"Download the device's {kind.label}, whole or a chunk; empty past its end."
        )
        return download

    async def _session(self, token: str, request: Request) -> DeviceSession:
        self._check_room()
        session = self._door.brief(await self._door.authenticate_token(token, _address(request)))
        self._check_room(session)
        return session

    @asynccontextmanager
    async def _waiting(
        self, token: str, request: Request
    ) -> AsyncIterator[tuple[DeviceSession, Poll]]:
        """Open a session that waits for news, for as long as the block runs.

        Nor does it wait for longer than its client: a command would count as delivered to nobody.
        """
        device = await self._door.authenticate_token(token, _address(request))
        self._begin_poll()
        try:
            poll = Poll()
            session = self._door.brief(device, poll)
            leaving = asyncio.create_task(_leave_with(request, poll))
            try:
                self._door.admit_poll(session)
                yield session, poll
            finally:
                leaving.cancel()
                self._door.close(session)
        finally:
            self._polls -= 1

    def _check_room(self, session: DeviceSession | None = None) -> None:
        if self._door.is_full:
            msg = "The server has as much to store as it may; try again in a moment"
            raise Unavailable(msg)
        if session is not None and session.limits.share.is_used_up:
            msg = "The tenant has as much on its way through its rules as it may; try again later"
            raise Unavailable(msg)

    def _begin_poll(self) -> None:
        if self._polls >= self._options.polls:
            msg = "Too many requests wait for updates; try again later"
            raise Unavailable(msg, retry_after_s=10)
        self._polls += 1

    def _poll_s(self, timeout_ms: int) -> float:
        wanted = timeout_ms if timeout_ms > 0 else self._options.poll_ms
        return min(wanted, self._options.max_poll_ms) / 1000


class _Stored:
    """One request's receipt, and waiting for it."""

    def __init__(self) -> None:
        self._done = asyncio.Event()
        self.receipt = Receipt(lambda _receipt: self._done.set())

    async def response(self) -> Response:
        """Return 200 when everything is stored."""
        self.receipt.release()
        await self._done.wait()
        return Response()


async def _leave_with(request: Request, poll: Poll) -> None:
    """End a poll when its client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    poll.leave()


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _complaint(error: dict[str, Any]) -> str:
    """Say what is wrong with a parameter."""
    name = error["loc"][-1]
    if error["type"] == "missing":
        return f"The parameter '{name}' is missing"
    if name in {"size", "chunk"}:
        return f"'{name}' must be a whole number from 0 to {MAX_NUMBER}"
    expected = "milliseconds" if name == "timeout" else "32 bits"
    return f"'{name}' must be a whole number of {expected}"


def _news(news: dict[str, object] | None) -> Response:
    return Response(status_code=408) if news is None else _json(dumps(news))


def _json(data: bytes) -> Response:
    return Response(data, media_type="application/json")


def _require_params(body: bytes) -> None:
    """Refuse an RPC without ``params``, which HTTP needs and MQTT does not."""
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        msg = f"The RPC request is not JSON: {error}"
        raise Invalid(msg) from None
    if isinstance(call, dict) and "params" not in call:
        msg = "An RPC request needs 'params', any JSON"
        raise Invalid(msg)
