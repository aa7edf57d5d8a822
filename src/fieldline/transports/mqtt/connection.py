"""One device's connection, from bytes to the door and back.

A reading's way: :meth:`Connection.data_received` (decode), :meth:`Connection._take` (one after the
other), :meth:`Connection._on_publish` (route, hand to the door); when its receipt is done, the hub
calls :meth:`Connection.flush` once for all that became ready in the tick: one write.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, cast
from uuid import uuid4

from fieldline.ingest.flow import Share
from fieldline.ingest.session import CloseReason, RpcRequest
from fieldline.kit.errors import FieldlineError, Unauthenticated, Unavailable
from fieldline.messaging.receipt import Receipt, unattended
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.packets import (
    MQTT_5,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Puback,
    Publish,
    Pubrel,
    Subscribe,
    Unsubscribe,
    Will,
)
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import OnAcknowledged, ServerSession, State
from fieldline.transports.mqtt import errors, provisioning, sparkplug_connect
from fieldline.transports.mqtt.acks import Ack, Acks, OnceAck
from fieldline.transports.mqtt.channel import DeviceChannel
from fieldline.transports.mqtt.errors import PackageRefused
from fieldline.transports.mqtt.gateway import GatewayChannel
from fieldline.transports.mqtt.hub import Hub
from fieldline.transports.mqtt.large import LargeAnswer
from fieldline.transports.mqtt.packages import PackageChannel, PackageParts
from fieldline.transports.mqtt.provisioning import ProvisionChannel, ProvisionParts
from fieldline.transports.mqtt.sparkplug import EdgeNodeChannel
from fieldline.transports.mqtt.sub_devices import GatewayParts
from fieldline.transports.mqtt.tls import verified_chain

_CHECK_DOOR_EVERY = 64
"""Messages of one read between two looks at whether the door is full."""
_LEAVES_FOR_S = 1.0
"""How long a client that was told good-bye may take to close the connection."""

_CLOSE_CODES = {
    CloseReason.TAKEN_OVER: ReasonCode.SESSION_TAKEN_OVER,
    CloseReason.CREDENTIALS_CHANGED: ReasonCode.ADMINISTRATIVE_ACTION,
    CloseReason.DEVICE_DELETED: ReasonCode.ADMINISTRATIVE_ACTION,
    CloseReason.SERVER_STOPPING: ReasonCode.SERVER_SHUTTING_DOWN,
}


# Why a connection's socket is not read, as bits. Plain ints: an IntFlag costs a microsecond a step,
# and these are looked at for every packet.
_AUTHENTICATING = 1
_IN_FLIGHT = 2
_DOOR = 4
_WRITING = 8
_CLOSING = 16
_JOINING = 32
_FETCHING = 64


class Connection(asyncio.Protocol):
    """A connection of the MQTT server; nothing that a client sends raises out of it."""

    __slots__ = (
        "_acks",
        "_channel",
        "_close_by_ms",
        "_closing",
        "_held",
        "_hub",
        "_is_dirty",
        "_is_leaving",
        "_large",
        "_paused",
        "_session",
        "_share",
        "_transport",
        "_will",
        "_write_by_ms",
    )

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._session = ServerSession(hub.limits, hub.now_ms())
        self._transport: asyncio.Transport | None = None
        self._channel: DeviceChannel | ProvisionChannel | None = None
        self._share: Share | None = None
        self._will: Will | None = None
        self._acks = Acks(self._flush_soon)
        self._held: list[Packet] = []
        self._paused = 0
        self._is_dirty = False
        self._is_leaving = False
        self._closing: RemoteProtocolError | None = None
        self._close_by_ms = 0
        self._write_by_ms = 0
        self._large: LargeAnswer | None = None

    # -- the socket -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        hub = self._hub
        self._transport = cast("asyncio.Transport", transport)
        if hub.is_full:
            hub.stats.connections_refused += 1
            if not hub.is_stopping:
                text = f"MQTT connections are refused: {len(hub)} are open (MQTT_MAX_CONNECTIONS)"
                hub.complaints.say("room", text)
            self._transport.abort()
            return
        hub.stats.connections_opened += 1
        hub.add(self)

    def data_received(self, data: bytes) -> None:
        if self._is_leaving:
            return
        hub = self._hub
        hub.stats.bytes_received += len(data)
        try:
            self._read(data)
        except Exception as error:  # noqa: BLE001 - the outermost loop of this edge
            hub.log_failure(error)
            self._fail(RemoteProtocolError("internal error", ReasonCode.UNSPECIFIED_ERROR))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._hub.remove(self)
        if self._share is not None:
            self._share.forget(self._share_has_room)
        self._acks.clear()
        self._held.clear()
        if self._large is not None:
            self._large.end()
        self._hub.guard(self, self._say_will)
        if self._channel is not None:
            self._channel.close()

    def pause_writing(self) -> None:
        options = self._hub.options
        self._write_by_ms = self._hub.now_ms() + int(options.write_timeout_s * 1000)
        self._pause(_WRITING)

    def resume_writing(self) -> None:
        self._write_by_ms = 0
        if self._large is not None:
            self._large.end()
        self._resume(_WRITING)

    # -- reading, and not reading ---------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        """Take what came; while there is no room for it, it stays bytes, and the rest unread.

        After a stall every device sends at once: packets would take more than twice the memory.
        """
        is_well = self._channel is not None and self._session.error is None
        if is_well and not self._door_lets_in():
            self._pause(_DOOR)
            self._session.hold(data)
            return
        self._take(self._session.receive(data, self._hub.now_ms()))

    def _take(self, packets: list[Packet]) -> None:
        """Handle packets in order; what cannot be taken now is held, and the socket not read."""
        if self._held:
            packets = self._held + packets
            self._held = []
        for index, packet in enumerate(packets, 1):
            if index % _CHECK_DOOR_EVERY == 0 and self._channel and not self._door_lets_in():
                self._pause(_DOOR)
            if self._paused:
                self._held = packets[index - 1 :]
                break
            _HANDLERS[type(packet)](self, packet)
        if self._closing is not None:
            self._held.clear()
        elif self._session.error is not None and not self._held:
            self._hub.stats.protocol_errors += 1
            self._fail(self._session.error)
        self._write()

    def _pause(self, reason: int) -> None:
        if not self._paused and self._transport is not None:
            self._transport.pause_reading()
        self._paused |= reason

    def _resume(self, reason: int) -> None:
        if not self._paused & reason:
            return
        self._paused &= ~reason
        if self._paused or self._transport is None:
            return
        self._session.heard(self._hub.now_ms())
        self._read(b"")
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _door_lets_in(self) -> bool:
        """Tell whether there is room for this tenant's messages; else it is waited for."""
        if self._share is not None and self._share.is_used_up:
            self._share.when_room(self._share_has_room)
            return False
        if self._hub.door.is_full:
            self._hub.wait_for_room(self)
            return False
        return True

    def _share_has_room(self) -> None:
        self._hub.guard(self, self.door_has_room)

    def door_has_room(self) -> None:
        self._resume(_DOOR)

    # -- writing --------------------------------------------------------------------------------

    def _flush_soon(self) -> None:
        if not self._is_dirty and self._transport is not None:
            self._is_dirty = True
            self._hub.flush_soon(self)

    def flush(self) -> None:
        """Send the acknowledgements that became ready, and what else there is, in one write."""
        self._is_dirty = False
        if self._transport is None:
            return
        self._hub.stats.publishes_acknowledged += self._acks.send(self._session)
        self._write()
        if self._closing is not None and not self._acks:
            self._finish_close()
        elif self._paused & _IN_FLIGHT and len(self._acks) <= self._hub.options.max_in_flight // 2:
            self._resume(_IN_FLIGHT)

    def _write(self) -> None:
        if not self._session.has_data_to_send:
            return
        data = self._session.data_to_send()
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        allowed = self._hub.options.max_write_buffer
        if self._large is not None:
            allowed += self._large.size
        if self._transport.get_write_buffer_size() > allowed:
            self._cut_off()

    # -- closing --------------------------------------------------------------------------------

    def _fail(self, error: RemoteProtocolError) -> None:
        """Read no more; close when what was taken before is acknowledged, or after a while."""
        if self._closing is not None or self._transport is None:
            return
        self._closing = error
        self._close_by_ms = self._hub.now_ms() + int(self._hub.options.close_timeout_s * 1000)
        self._pause(_CLOSING)
        if not self._acks:
            self._finish_close()

    def _finish_close(self) -> None:
        if self._closing is None or self._transport is None or self._transport.is_closing():
            return
        if self._is_leaving:
            return
        self._is_leaving = True
        self._session.close(self._closing.reason_code, str(self._closing))
        self._write()
        if not self._transport.can_write_eof():  # TLS
            self._transport.close()
            return
        # Bytes that nobody reads would make the close a reset, and that takes from the client the
        # acknowledgements that it has not read yet. So it is waited for, and not listened to.
        try:
            self._transport.write_eof()
        except OSError:  # the client was faster
            self._transport.close()
            return
        self._transport.resume_reading()
        asyncio.get_running_loop().call_later(_LEAVES_FOR_S, self._transport.close)

    def expire(self, now_ms: int) -> None:
        """Close if the protocol's or the socket's time is up; called every second."""
        if self._closing is not None:
            self._expire_close(now_ms)
        elif self._write_by_ms and now_ms >= self._write_by_ms:
            if self._large is not None and self._large.is_moving(self._unread):
                self._write_by_ms = now_ms + int(self._hub.options.write_timeout_s * 1000)
                return
            self._cut_off()
        elif not self._paused or self._paused == _AUTHENTICATING:
            # A socket that is not read has pings in it: nobody is overdue then.
            error = self._session.expire(now_ms)
            if error is None and isinstance(self._channel, ProvisionChannel):
                error = self._channel.expire(now_ms)
            if error is not None:
                self._hub.stats.timeouts += 1
                if self._channel is None:
                    text = f"an MQTT client at {self._address()} is given up: {error}"
                    self._hub.complaints.say("time", text)
                self._fail(error)
        elif self._paused & (_DOOR | _IN_FLIGHT) and isinstance(self._channel, DeviceChannel):
            # What it says waits in the socket: it is not silent.
            self._hub.door.touch(self._channel.device)

    def _expire_close(self, now_ms: int) -> None:
        if now_ms < self._close_by_ms or self._transport is None:
            return
        if self._transport.is_closing():
            self.abort()
            return
        self._close_by_ms = now_ms + int(self._hub.options.close_timeout_s * 1000)
        self._finish_close()

    def stop(self) -> None:
        """Close because the server stops; that is not the device's loss, so nothing is said."""
        self._will = None
        is_open = self._session.state is State.CONNECTED
        code = ReasonCode.SERVER_SHUTTING_DOWN if is_open else ReasonCode.SERVER_UNAVAILABLE
        self._fail(RemoteProtocolError("the server is stopping", code))

    def close_now(self) -> None:
        """Close without waiting for more acknowledgements."""
        self._finish_close()

    def _cut_off(self) -> None:
        """Cut the connection: bytes wait for a client that does not read them."""
        self._hub.stats.slow_readers += 1
        who = self._address()
        if isinstance(self._channel, DeviceChannel):
            who = f"device {self._channel.device.device.name!r}"
        text = f"{who} is cut off: it does not read what it is sent over MQTT"
        self._hub.complaints.say("reading", text)
        self.abort()

    def _complain(self, device_name: str, what: str) -> None:
        self._hub.complaints.say("content", f"device {device_name!r}: {what}")

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    # -- signing on -----------------------------------------------------------------------------

    def _on_connect(self, packet: Connect) -> None:
        self._pause(_AUTHENTICATING)
        self._hub.spawn(self._sign_on(packet, self._chain()))

    def _chain(self) -> Sequence[bytes]:
        assert self._transport is not None  # noqa: S101 - a CONNECT came through it
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return () if tls is None else verified_chain(tls)

    def _address(self) -> str:
        peer = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    async def _sign_on(self, connect: Connect, chain: Sequence[bytes]) -> None:
        hub = self._hub
        try:
            channel = await self._open_channel(connect, chain)
            if channel is None:
                return
            self._channel = channel
            if isinstance(channel, DeviceChannel):
                self._share = channel.device.limits.share
        except FieldlineError as error:
            code = errors.of_connect(error, connect, has_certificate=bool(chain))
            hub.stats.connects_refused += 1
            self._fail(RemoteProtocolError(error.message, code))
        except Exception as error:  # noqa: BLE001 - the outermost loop of this edge
            hub.log_failure(error)
            self._fail(RemoteProtocolError("internal error", ReasonCode.SERVER_UNAVAILABLE))
        else:
            hub.guard(self, self._accept)

    async def _open_channel(
        self, connect: Connect, chain: Sequence[bytes]
    ) -> DeviceChannel | ProvisionChannel | None:
        """Return what the client is to speak through; None when it is gone already."""
        if provisioning.is_wanted(connect):
            is_there = self._transport is not None and self._closing is None
            return ProvisionChannel(connect.version, self._provision_parts()) if is_there else None
        if connect.will is not None and self._hub.wills.is_full:
            msg = "Too many wills of lost connections wait; try again later, or without a will"
            raise Unavailable(msg)
        door = self._hub.door
        device = await door.authenticate_mqtt(
            connect.client_id, connect.username, _password(connect), chain, self._address()
        )
        if self._transport is None or self._closing is not None:
            return None
        is_node = sparkplug_connect.is_edge_node(device.transport_configuration)
        try:
            identity = sparkplug_connect.identify(connect) if is_node else None
        except sparkplug_connect.MissingDeath as error:
            self._complain(device.name, error.message)
            raise
        session = door.open(device, self)
        if identity is not None:
            node = EdgeNodeChannel(
                door, session, connect.version, self._send, identity, self._open_packages
            )
            node.begin(self._gateway_parts(node))
            return node
        channel = DeviceChannel(door, session, connect.version, self._send, self._open_packages)
        if device.is_gateway:
            channel.gateway = GatewayChannel(session, self._gateway_parts(channel))
        return channel

    def _gateway_parts(self, channel: DeviceChannel) -> GatewayParts:
        return GatewayParts(
            door=self._hub.door,
            now_ms=self._hub.now_ms,
            send=self._send,
            qos_of=channel.qos_of,
            refuse=self._refuse_publish,
            pause=partial(self._pause, _JOINING),
            resume=partial(self._resume, _JOINING),
            spawn=self._spawn,
            payloads=channel.gateway_payloads,
            tells_reasons=self._session.version == MQTT_5,
            complain=self._complain,
        )

    def _open_packages(self) -> PackageChannel:
        return PackageChannel(
            PackageParts(
                door=self._hub.door,
                send=self._send,
                deliver=self._deliver,
                refuse=self._refuse_publish,
                pause=partial(self._pause, _FETCHING),
                resume=partial(self._resume, _FETCHING),
                spawn=self._spawn,
            )
        )

    def _provision_parts(self) -> ProvisionParts:
        return ProvisionParts(
            door=self._hub.door,
            address=self._address(),
            now_ms=self._hub.now_ms,
            send=self._send,
            refuse=self._refuse_publish,
            fail=lambda code, why: self._fail(RemoteProtocolError(why, code)),
            pause=partial(self._pause, _JOINING),
            resume=partial(self._resume, _JOINING),
            spawn=self._spawn,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - the outermost loop of this edge
                self._hub.log_failure(error)
                self.abort()

        self._hub.spawn(guarded())

    def _accept(self) -> None:
        if self._session.accept(f"fieldline-{uuid4().hex}", self._hub.now_ms()):
            self._hub.stats.connects_accepted += 1
            if type(self._channel) is DeviceChannel:  # an edge node acts on its own
                assert self._session.connect is not None  # noqa: S101 - it was just accepted
                self._will = self._session.connect.will
        self._write()
        self._resume(_AUTHENTICATING)

    # -- what the device says and hears ---------------------------------------------------------

    def _on_publish(self, packet: Publish) -> None:
        if packet.qos == 2 and not self._session.begin_once(packet.packet_id):
            return
        stats = self._hub.stats
        stats.publishes_received += 1
        ack: Receipt
        if packet.qos:
            ack = self._acks.open(packet.packet_id, Ack if packet.qos == 1 else OnceAck)
            if len(self._acks) >= self._hub.options.max_in_flight:
                self._pause(_IN_FLIGHT)
        else:
            ack = unattended()
        ack.weight = len(packet.payload) >> 10
        try:
            self._signed_on.publish(packet, ack)
        except FieldlineError as error:
            stats.publishes_failed += 1
            self._refuse_publish(error, ack)
        except Exception:
            if isinstance(ack, Ack):
                self._acks.withdraw(ack)
            ack.release()
            raise
        else:
            ack.release()

    def _refuse_publish(self, error: FieldlineError, ack: Receipt) -> None:
        verdict = errors.of_publish(error)
        goes_on = verdict.is_quiet
        if isinstance(ack, Ack):
            is_told = self._is_told_of_failures
            goes_on = not verdict.is_fatal and (verdict.is_quiet or is_told)
            if goes_on or verdict.is_acknowledged or (verdict.is_told and is_told):
                ack.code = verdict.code
            else:
                self._acks.withdraw(ack)
        ack.release()  # also when nobody is answered: the door may have counted it in
        if self._closing is not None:
            self._flush_soon()  # it may have been the last one that the close waits for
        elif not goes_on:
            self._fail(RemoteProtocolError(error.message, verdict.code))

    @property
    def _is_told_of_failures(self) -> bool:
        """Whether a refused publish gets a PUBACK; MQTT 3 has none that says so."""
        return self._session.version == MQTT_5 or self._signed_on.acknowledges_invalid

    @property
    def _signed_on(self) -> DeviceChannel | ProvisionChannel:
        assert self._channel is not None  # noqa: S101 - the session lets nothing by before CONNECT
        return self._channel

    def _on_subscribe(self, packet: Subscribe) -> None:
        codes = self._signed_on.subscribe(packet.subscriptions)
        self._session.answer_subscribe(packet.packet_id, codes)

    def _on_unsubscribe(self, packet: Unsubscribe) -> None:
        codes = self._signed_on.unsubscribe(packet.topic_filters)
        self._session.answer_unsubscribe(packet.packet_id, codes)

    def _on_other(self, _packet: Packet) -> None:
        """Note that the device is there; the session has answered already."""
        self._signed_on.touch()

    def _on_disconnect(self, packet: Disconnect) -> None:
        if packet.code != ReasonCode.DISCONNECT_WITH_WILL:
            self._will = None
            if isinstance(self._channel, EdgeNodeChannel):
                self._channel.drop_will()
        if self._transport is not None:
            self._transport.close()

    def _send(
        self, topic: str, qos: int, payload: bytes, on_acknowledged: OnAcknowledged | None = None
    ) -> bool:
        if self._transport is None or self._closing is not None:
            return False
        try:
            self._session.publish(topic, payload, qos, on_acknowledged)
        except RemoteProtocolError as error:
            self._hub.stats.slow_readers += 1
            self._fail(error)
            return False
        self._hub.stats.downlinks_sent += 1
        self._flush_soon()
        return True

    def _say_will(self) -> None:
        """Act on the will: the connection is lost."""
        will, self._will = self._will, None
        if will is not None and isinstance(self._channel, DeviceChannel):
            self._hub.wills.say(self._channel, will)

    async def _deliver(self, topic: str, qos: int, payload: bytes, ack: Receipt) -> None:
        if not self._session.may_send(topic, payload):
            raise PackageRefused.too_large(len(payload) - 1)
        ack.release()
        # Its acknowledgement first: some clients ask for the next chunk when they have this one.
        self._hub.stats.publishes_acknowledged += self._acks.send(self._session)
        self._large = LargeAnswer(len(payload))
        try:
            if self._send(topic, qos, payload):
                self.flush()
            if self._paused & _WRITING and self._transport is not None:
                await self._large.ended
        finally:
            self._large = None

    @property
    def _unread(self) -> int:
        """How many bytes the client has left unread."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def on_rpc(self, request: RpcRequest) -> None:
        """Send a command (called by the door)."""
        if isinstance(self._channel, DeviceChannel):
            self._channel.send_rpc(request)

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        """Push changes of shared attributes (called by the door)."""
        if isinstance(self._channel, DeviceChannel):
            self._channel.push_attributes(updated, deleted)

    def on_close(self, reason: CloseReason) -> None:
        """Close because the door ended the session (called by the door)."""
        if reason is CloseReason.TAKEN_OVER:
            self._hub.guard(self, self._say_will)  # now: whoever took over is about to speak
        self._will = None
        self._fail(RemoteProtocolError(f"the session ended: {reason.value}", _CLOSE_CODES[reason]))
        if isinstance(self._channel, DeviceChannel):
            self._channel.end()  # now: whoever took over is about to speak for these devices


def _password(connect: Connect) -> str | None:
    if connect.password is None:
        return None
    try:
        return connect.password.decode()
    except UnicodeDecodeError:
        msg = "The password is not UTF-8"
        raise Unauthenticated(msg) from None


_HANDLERS: dict[type, Callable[[Connection, Any], None]] = {
    Publish: Connection._on_publish,  # noqa: SLF001 - the table of this class
    Connect: Connection._on_connect,  # noqa: SLF001
    Subscribe: Connection._on_subscribe,  # noqa: SLF001
    Unsubscribe: Connection._on_unsubscribe,  # noqa: SLF001
    Disconnect: Connection._on_disconnect,  # noqa: SLF001
    Puback: Connection._on_other,  # noqa: SLF001
    Pubrel: Connection._on_other,  # noqa: SLF001
    Pingreq: Connection._on_other,  # noqa: SLF001
}
