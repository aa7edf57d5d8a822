"""The one door between devices and the platform.

A transport authenticates a device here, opens its session, and hands in what the device sends. A
reading goes: note the device's activity, parse and type it, count it in, publish it to the bus.
All calls are made on the event loop; nothing on a reading's way waits.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from fieldline.domains.claim.request import ClaimRequest
from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.provision.request import ProvisionAnswer, ProvisionRequest
from fieldline.domains.rpc.command import Command, OnAnswer
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.ingest.activity import Activity
from fieldline.ingest.attributes import (
    AttributeReader,
    AttributeRequest,
    FoundAttributes,
    attributes_json,
)
from fieldline.ingest.authentication import Authentication, MqttCredentials
from fieldline.ingest.client_rpc import ClientRpc
from fieldline.ingest.flow import Flow, Room, Share, has_room
from fieldline.ingest.guard import LoginGuard
from fieldline.ingest.limits import Limits
from fieldline.ingest.lookups import Lookups
from fieldline.ingest.onboarding import Onboarding
from fieldline.ingest.packages import PackageReader
from fieldline.ingest.parts import DoorParts, IngestOptions
from fieldline.ingest.server_rpc import ServerRpc
from fieldline.ingest.session import DeviceSession, SessionListener
from fieldline.ingest.sessions import Sessions
from fieldline.kit.errors import FieldlineError
from fieldline.kit.telemetry_json import (
    TypingRules,
    parse_attributes,
    parse_telemetry,
    telemetry_groups,
    typed_values,
)
from fieldline.messaging.message import ROOT_CHAIN, Message, MessageType
from fieldline.messaging.receipt import Receipt

_POST_TELEMETRY = MessageType.POST_TELEMETRY_REQUEST
Readings = Sequence[tuple[int, dict[str, Any]]]
"""Values by key, with their time."""
_SLICE = 200
"""Readings of a bulk payload that are published before other work gets its turn: some ms."""


class Door:
    """Where every transport brings what devices send, and learns what to send them.

    One per process. ``start`` before the first transport, ``stop`` after the last.
    """

    def __init__(self, parts: DoorParts, limits: IngestOptions | None = None) -> None:
        self.limits = limits or IngestOptions()
        self._bus = parts.bus
        self._sub_devices = parts.sub_devices
        self._now_ms = parts.clock.now_ms
        self._rules = TypingRules(max_string_length=self.limits.string_length)
        self._typed = replace(self._rules, cast_strings=False)
        self._flow = Flow(self.limits.in_flight, parts.writer)
        self.guard = LoginGuard(self.limits.guard)
        self.rates = Limits(
            parts.bus,
            parts.tenant_profile,
            parts.usage,
            lambda: Share(self._flow, self.limits.tenant_in_flight),
            is_rate_limited=self.limits.is_rate_limited,
        )
        self.activity = Activity(parts, lambda: self._flow.is_full, self.rates, self.limits)
        self._sessions = Sessions(parts.bus, self.activity, self.rates, limit=self.limits.sessions)
        self._lookups = Lookups(self.limits.reads, self.limits.waiting_reads)
        self._attributes = AttributeReader(parts.store)
        self._onboarding = Onboarding(parts, self.limits, self.guard)
        self._authentication = Authentication(
            parts.devices, self.guard, self._onboarding, parts.clock
        )
        self.chains = parts.chains
        self.packages = PackageReader(parts.packages, self._admit, self.limits.large_packages)
        self._client_rpc = ClientRpc(parts, self.limits)
        self._server_rpc = ServerRpc(parts, self._sessions.rpc, self._lookups, self.limits)

    async def start(self) -> None:
        """Begin to answer and to watch activity."""
        self._lookups.start()
        self._onboarding.start()
        self._client_rpc.start()
        self._server_rpc.start()
        await self.activity.start()

    def end_waiting(self) -> None:
        """End the requests that wait for news or answers, so that an HTTP server can drain."""
        self._sessions.end_waiting()
        self._client_rpc.end_waiting()
        self._server_rpc.end_waiting()

    async def stop(self) -> None:
        """Close every session, then write what is known of activity."""
        self._sessions.close_all()
        await self.rates.stop()
        await self._client_rpc.stop()
        await self._server_rpc.stop()
        await self._onboarding.stop()
        await self._lookups.stop()
        await self.activity.stop()

    @property
    def now_ms(self) -> int:
        """The platform's time: that of readings which carry none."""
        return self._now_ms()

    # Who is there

    async def authenticate_token(self, token: str, address: str = "") -> DeviceRecord:
        """Return the device with this access token; ``address`` is the client's.

        Raises:
            Unauthenticated: no device has it.
            RateLimited: too many wrong ones came from there.
        """
        device = await self._authentication.by_token(token, address)
        await self.rates.learn(device.tenant_id)
        return device

    async def authenticate_mqtt(
        self,
        client_id: str,
        username: str | None,
        password: str | None,
        chain: Sequence[bytes] = (),
        address: str = "",
    ) -> DeviceRecord:
        """Return the device that an MQTT CONNECT speaks of.

        Args:
            client_id: as the client says; so are user name and password.
            username: None without one.
            password: None without one.
            chain: the client's certificate (DER) and those that TLS verified it by.
            address: the client's.

        Raises:
            Unauthenticated: the credentials are not those of a device.
            RateLimited: too many wrong ones came from there, or for that user name.
            Unavailable: the device's profile wants another transport than MQTT.
        """
        credentials = MqttCredentials(client_id, username, password, chain)
        device = await self._authentication.by_mqtt(credentials, address)
        await self.rates.learn(device.tenant_id)
        return device

    def open(
        self,
        device: DeviceRecord,
        listener: SessionListener,
        gateway: DeviceSession | None = None,
    ) -> DeviceSession:
        """Open the device's session; one that it has elsewhere is closed (TAKEN_OVER).

        Args:
            device: who it is.
            listener: its connection.
            gateway: the session of the gateway through which it speaks.

        Raises:
            RateLimited: the device, or its tenant, sends more than it may.
            Unauthenticated: the device was deleted while it logged in.
            Unavailable: the process has as many sessions as it may.
        """
        limits = self.rates.of(device.tenant_id)
        if limits.is_limited:
            limits.take(device, None if gateway is None else gateway.device, 0, self._now_ms())
        return self._sessions.open(device, listener, gateway)

    async def join(
        self, gateway: DeviceSession, wanted: Mapping[str, SubDeviceKind]
    ) -> Mapping[str, DeviceRecord | FieldlineError]:
        """Return a gateway's devices by name, made where they are not there yet.

        Args:
            gateway: through which they speak.
            wanted: name and kind of each; the kind is only of those that are made.

        Returns:
            A device of each name, or why there is none.

        Raises:
            RateLimited: the tenant used up what its devices may send in this month.
            Unavailable: the database is away.
        """
        gateway.limits.usage.check_transport(self._now_ms())
        return await self._sub_devices.join(gateway.device, wanted)

    async def find_or_make(
        self, tenant_id: UUID, wanted: Mapping[str, str]
    ) -> tuple[Mapping[str, DeviceRecord | FieldlineError], int]:
        """Return a tenant's devices by name, as :meth:`join`, and how many were made.

        Raises:
            RateLimited: the tenant used up what its devices may send in this month.
            Unavailable: the database is away.
        """
        await self.rates.learn(tenant_id)
        self.rates.of(tenant_id).usage.check_transport(self._now_ms())
        return await self._sub_devices.find_or_make(tenant_id, wanted)

    def brief(self, device: DeviceRecord, listener: SessionListener | None = None) -> DeviceSession:
        """Return a session for one request: it counts as activity, not as a connection."""
        return self._sessions.brief(device, listener)

    def last_words(self, session: DeviceSession) -> DeviceSession:
        """Return a session for what a device left to be said when it is gone: no activity."""
        return self._sessions.last_words(session)

    def close(self, session: DeviceSession) -> None:
        """Close a session; closing again does nothing."""
        self._sessions.close(session)

    def touch(self, session: DeviceSession) -> None:
        """Note that the device is there (ping, subscribe, any packet)."""
        self.activity.note(session.presence)

    def admit_poll(self, session: DeviceSession) -> None:
        """Count a request that waits for news as a message: a device may ask as fast as it likes.

        Raises:
            RateLimited: the device asks too often.
        """
        self.touch(session)
        self._admit(session)

    # Who wants to be a device, or a customer's

    def read_provision_request(self, payload: bytes) -> ProvisionRequest:
        """Read what a client sends that wants to be a device.

        Raises:
            MalformedProvisionRequest: it is no request.
            Invalid: it is no JSON.
        """
        return ProvisionRequest.parse(payload)

    async def provision(self, request: ProvisionRequest, address: str) -> ProvisionAnswer:
        """Make a client a device, or tell it that it cannot be; ``address`` is the client's.

        Raises:
            RateLimited: too many wrong keys came from there.
            Unavailable: too many requests wait, or the database is away.
        """
        return await self._onboarding.provision(request, address)

    def claim(self, session: DeviceSession, payload: bytes, receipt: Receipt) -> None:
        """Keep a device's word that it may be claimed; the receipt is held until it is stored.

        Raises:
            Invalid: the payload is no claim request.
            RateLimited: the device sends too much.
            Unavailable: too many wait.
        """
        self.touch(session)
        self._admit(session)
        self._onboarding.claim(session, ClaimRequest.parse(payload), receipt)

    def claim_document(self, session: DeviceSession, document: Any, receipt: Receipt) -> None:  # noqa: ANN401
        """Do as :meth:`claim` with what is decoded already."""
        self.touch(session)
        self._admit(session)
        self._onboarding.claim(session, ClaimRequest.of(document), receipt)

    # What devices send

    def telemetry(
        self,
        session: DeviceSession,
        payload: bytes,
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Take telemetry in: one message to the rules for each time in the payload.

        The receipt, which the caller holds meanwhile, is held until the last branch of the last
        message has ended. ``metadata`` is added to the messages'.

        Raises:
            InvalidTimestamp: a ``ts`` is none; nothing was taken.
            Invalid: the payload is not telemetry; nothing was taken.
            RateLimited: it is more than the device may send; nothing was taken.
        """
        now_ms = self._now_ms()
        self.activity.note(session.presence, now_ms)
        groups = parse_telemetry(payload, now_ms, self._rules)
        self._take_readings(session, groups, metadata, now_ms, receipt)

    def telemetry_document(
        self,
        session: DeviceSession,
        document: Any,  # noqa: ANN401 - JSON is any of its types
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Do as :func:`telemetry` with what is decoded already (``kit.telemetry_json.decode``)."""
        now_ms = self._now_ms()
        self.activity.note(session.presence, now_ms)
        groups = telemetry_groups(document, now_ms, self._rules)
        self._take_readings(session, groups, metadata, now_ms, receipt)

    def readings(
        self,
        session: DeviceSession,
        groups: Mapping[int | None, Mapping[str, Any]],
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Do as :meth:`telemetry` with values that have their types, by time (None: now).

        Raises:
            Invalid: a text is too long; nothing was taken.
            RateLimited: it is more than the device may send; nothing was taken.
        """
        now_ms = self._now_ms()
        self.activity.note(session.presence, now_ms)
        typed = [
            (now_ms if ts_ms is None else ts_ms, typed_values(values, self._typed))
            for ts_ms, values in groups.items()
        ]
        self._take_readings(session, typed, metadata, now_ms, receipt)

    def observe(self, session: DeviceSession, values: dict[str, Any], receipt: Receipt) -> None:
        """Take in what the transport itself saw of a device: no activity, and not limited."""
        if session.device.is_deleted:
            return
        now_ms = self._now_ms()
        session.limits.share.count(receipt)
        self._publish_readings(session.device, [(now_ms, values)], None, now_ms, receipt)

    async def bulk_telemetry(
        self, session: DeviceSession, payload: bytes, receipt: Receipt
    ) -> None:
        """Do as :meth:`telemetry` with a payload of megabytes, without stopping everybody else.

        Raises:
            InvalidTimestamp: a ``ts`` is none; nothing was taken.
            Invalid: the payload is not telemetry; nothing was taken.
            RateLimited: it is more than the device may send; nothing was taken.
        """
        now_ms = self._now_ms()
        self.activity.note(session.presence, now_ms)
        groups = await asyncio.to_thread(parse_telemetry, payload, now_ms, self._rules)
        self._count_in(session, sum(len(values) for _, values in groups), now_ms)
        share, weight = session.limits.share, receipt.weight
        for start in range(0, len(groups), _SLICE):
            await has_room(share)
            some = groups[start : start + _SLICE]
            receipt.hold()
            part = Receipt(lambda _part: receipt.release())
            part.weight = weight * len(some) // len(groups)
            try:
                share.count(part, len(some))
                self._publish_readings(session.device, some, None, now_ms, part)
            finally:
                part.release()

    def attributes(
        self,
        session: DeviceSession,
        payload: bytes,
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Take client attributes in: one message to the rules.

        Raises:
            Invalid: the payload is not a JSON object; nothing was taken.
        """
        self._publish_attributes(session, parse_attributes(payload, self._rules), receipt, metadata)

    def attributes_document(
        self,
        session: DeviceSession,
        document: Mapping[str, Any],
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Do as :meth:`attributes` with an object that is decoded already."""
        self._publish_attributes(session, typed_values(document, self._rules), receipt, metadata)

    def attribute_values(
        self,
        session: DeviceSession,
        values: Mapping[str, Any],
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Do as :meth:`attributes` with values that have their types.

        ``metadata`` may name another scope, ``{"scope": "SHARED_SCOPE"}``.

        Raises:
            Invalid: a text is too long; nothing was taken.
            RateLimited: it is more than the device may send; nothing was taken.
        """
        self._publish_attributes(session, typed_values(values, self._typed), receipt, metadata)

    def _publish_attributes(
        self,
        session: DeviceSession,
        values: dict[str, Any],
        receipt: Receipt,
        metadata: Mapping[str, str] | None,
    ) -> None:
        now_ms = self._now_ms()
        self.activity.note(session.presence, now_ms)
        device = session.device
        self._count_in(session, len(values), now_ms)
        session.limits.share.count(receipt)
        if values:
            described = {
                "deviceName": device.name,
                "deviceType": device.profile_name,
                "notifyDevice": "false",
            }
            if metadata is not None:
                described.update(metadata)
            receipt.hold()
            self._bus.publish(
                Message(
                    MessageType.POST_ATTRIBUTES_REQUEST,
                    device.ref,
                    device.tenant_id,
                    values,
                    described,
                    ts_ms=now_ms,
                    receipt=receipt,
                    customer_id=device.customer_id,
                    profile_id=device.profile_id,
                    rule_chain_id=device.rule_chain_id or ROOT_CHAIN,
                )
            )

    def _take_readings(
        self,
        session: DeviceSession,
        groups: Readings,
        metadata: Mapping[str, str] | None,
        now_ms: int,
        receipt: Receipt,
    ) -> None:
        points = len(groups[0][1]) if len(groups) == 1 else sum(len(each) for _, each in groups)
        self._count_in(session, points, now_ms)
        session.limits.share.count(receipt, len(groups))
        self._publish_readings(session.device, groups, metadata, now_ms, receipt)

    def _publish_readings(
        self,
        device: DeviceRecord,
        groups: Readings,
        metadata: Mapping[str, str] | None,
        now_ms: int,
        receipt: Receipt,
    ) -> None:
        for ts_ms, values in groups:
            described = {
                "deviceName": device.name,
                "deviceType": device.profile_name,
                "ts": str(ts_ms),
            }
            if metadata is not None:
                described.update(metadata)
            receipt.hold()
            self._bus.publish(
                Message(
                    _POST_TELEMETRY,
                    device.ref,
                    device.tenant_id,
                    values,
                    described,
                    ts_ms=now_ms,
                    receipt=receipt,
                    customer_id=device.customer_id,
                    profile_id=device.profile_id,
                    rule_chain_id=device.rule_chain_id or ROOT_CHAIN,
                )
            )

    def _admit(self, session: DeviceSession) -> None:
        """Count a message without values.

        Raises:
            RateLimited: it is over a limit.
        """
        self._count_in(session, 0, self._now_ms())

    def _count_in(self, session: DeviceSession, points: int, now_ms: int) -> None:
        limits = session.limits
        if limits.is_limited:
            gateway = session.gateway
            limits.take(session.device, None if gateway is None else gateway.device, points, now_ms)
        usage = limits.usage
        usage.transport_messages += 1
        usage.transport_data_points += points

    # What devices ask

    def request_attributes(
        self,
        session: DeviceSession,
        request: AttributeRequest,
        reply: Callable[[FoundAttributes], object],
    ) -> None:
        """Answer with what there is when the store has answered.

        Raises:
            RateLimited: the device asks too often.
            Unavailable: too many requests wait.
        """
        self.touch(session)
        self._admit(session)

        async def answer() -> None:
            reply(await self._attributes.read(session.device.id, request))

        self._lookups.submit(answer)

    async def read_attributes(
        self, session: DeviceSession, request: AttributeRequest
    ) -> dict[str, dict[str, Any]]:
        """Return ``{"client": {..}, "shared": {..}}`` for a request that waits here.

        Raises:
            RateLimited: the device asks too often.
            Unavailable: the store is away.
        """
        self.touch(session)
        self._admit(session)
        return attributes_json(await self._attributes.read(session.device.id, request))

    def client_rpc(
        self,
        session: DeviceSession,
        payload: bytes,
        reply: Callable[[bytes], object],
        on_gone: Callable[[], object] = lambda: None,
    ) -> None:
        """Answer an RPC of the device: session limits here, others through the rules.

        ``on_gone`` is called instead of ``reply`` when the device is deleted meanwhile.

        Raises:
            MissingMethod: the request names no method.
            Invalid: the payload is no JSON object.
            RateLimited: the device asks too often.
            Unavailable: too many of them wait.
        """
        self.touch(session)
        self._admit(session)
        call = self._client_rpc.parse(payload)
        if call.method == "getSessionLimits":
            self._lookups.submit(lambda: self._client_rpc.answer_limits(session, reply))
        else:
            self._client_rpc.send(session, call, reply, on_gone)

    def answer_client_rpc(self, device_id: UUID, request_id: int, answer: bytes) -> bool:
        """Give the answer that a rule found; False when the device waits for it no more."""
        return self._client_rpc.answer_of(device_id, request_id, answer)

    def subscribe_attributes(self, session: DeviceSession) -> None:
        """Push changes of shared attributes to this session from now on."""
        self.touch(session)
        if session.is_open:
            self._sessions.attributes.add(session)

    def unsubscribe_attributes(self, session: DeviceSession) -> None:
        """End the pushes."""
        self.touch(session)
        self._sessions.attributes.remove(session)

    # What devices are told to do

    def send_rpc(self, command: Command, then: OnAnswer) -> None:
        """Send a command to its device; ``then`` is called with what becomes of it, once.

        A kept command (``is_persistent``) is answered for when it is stored.
        """
        self._server_rpc.submit(command, then)

    @property
    def open_commands(self) -> int:
        """How many commands are on their way to devices."""
        return len(self._server_rpc)

    def subscribe_rpc(self, session: DeviceSession) -> None:
        """Send commands to this session from now on, soon those that wait for the device."""
        self.touch(session)
        self._server_rpc.subscribe(session)

    def unsubscribe_rpc(self, session: DeviceSession) -> None:
        """Send no more commands to this session."""
        self.touch(session)
        self._sessions.rpc.remove(session)

    def resume_rpc(self, session: DeviceSession) -> None:
        """Send the commands again that this session could not send to its device until now."""
        self._server_rpc.resume(session)

    def rpc_sent(self, session: DeviceSession, number: int) -> None:
        """Note that a command was written to the device, which is to acknowledge it."""
        self._server_rpc.sent(session, number)

    def rpc_delivered(self, session: DeviceSession, number: int) -> None:
        """Note that the device acknowledged a command, or that none of that is to come."""
        self._server_rpc.delivered(session, number)

    def rpc_answered(self, session: DeviceSession, number: int, payload: bytes) -> None:
        """Give a device's answer to whoever sent the command; a late one is nothing.

        Raises:
            RateLimited: the device sends too much.
        """
        self.touch(session)
        self._admit(session)
        self._server_rpc.answered(session, number, payload)

    def rpc_settled(self, session: DeviceSession, number: int, response: bytes) -> None:
        """Answer a command for a device that gives no answers of its own."""
        self._server_rpc.answered(session, number, response)

    def rpc_refused(self, session: DeviceSession, number: int, response: bytes) -> None:
        """Answer a command that was not sent, for a reason that ``response`` tells, as JSON."""
        self._server_rpc.refused(session, number, response)

    # Back-pressure

    def heed(self, room: Room) -> None:
        """Be full also while this is full: a packet may be thousands of messages to the rules."""
        self._flow.heed(room)

    def share_of(self, tenant_id: UUID) -> Share:
        """Return what says whether there is room for a tenant; sessions have it in their limits."""
        return self.rates.of(tenant_id).share

    @property
    def is_full(self) -> bool:
        """Whether as much is on its way as may be; transports then stop reading."""
        return self._flow.is_full

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room again."""
        self._flow.when_room(callback)
