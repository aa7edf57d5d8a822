"""The messages of one integration, from the broker to the door, in their order.

A message is converted when it comes; one whose device is not known waits until that is found or
made, and those behind it wait too, as all do while the door is full or a rate limit is reached. The
socket is not read meanwhile, nor while as many messages are on their way as may be. A lost
connection ends nothing here: what was taken is stored, and known when the broker sends it again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from fieldline.ingest.integration import ConnectorSettings, Delivery, Intake
from fieldline.kit.errors import FieldlineError, RateLimited, Unavailable
from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.inbox import Inbox, Incoming
from fieldline.protocols.mqtt.packets import Publish

logger = logging.getLogger(__name__)

CHECK_DOOR_EVERY = 64
"""Messages handed over between two looks at whether the door is full."""
RETRY_S = 1.0
MAX_LIMITED = 3
"""A message that a rate limit refuses so often, though it is full, is larger than the limit."""
FULL_LIMIT_S = 0.001
"""What a rate limit says that holds all that it ever can."""
LOG_INTERVAL_MS = 60_000
"""One line in this time on messages that failed; it says how many there were."""


class _Delivery(Delivery):
    __slots__ = ("incoming", "limited")

    def __init__(self, incoming: Incoming | None, on_done: Callable[[Receipt], None]) -> None:
        super().__init__([], on_done)
        self.incoming = incoming
        self.limited = 0


class Feed:
    """See the module's text.

    Args:
        settings: of the integration.
        intake: its way through the door.
        inbox: what the broker is owed answers for.
        now_ms: the time.

    Attributes:
        inbox: the same.
        on_room: called when messages may come again.
    """

    def __init__(
        self,
        settings: ConnectorSettings,
        intake: Intake,
        inbox: Inbox,
        now_ms: Callable[[], int],
    ) -> None:
        self.inbox = inbox
        self.on_room: Callable[[], None] = _nothing
        self._settings = settings
        self._statistics = settings.statistics
        self._intake = intake
        self._now_ms = now_ms
        self._held: deque[_Delivery] = deque()
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._limit = settings.configuration.max_in_flight
        self._is_full = False
        self._is_waiting = False
        self._is_stopped = False
        self._joining: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unlogged = 0
        self._logged_ms: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether no more messages should come just now."""
        return self._is_waiting or self._is_full

    def take(self, messages: list[tuple[Publish, Incoming | None]]) -> None:
        """Take messages in."""
        if messages and not self._is_stopped:
            self._held.extend(self._convert(*each) for each in messages)
            if not self._is_waiting:
                self._go_on()

    def disconnected(self) -> None:
        """End a connection; one that ends after :meth:`stop` has no say in the next one's."""
        if not self._is_stopped:
            self.inbox.disconnected()

    async def idle(self, timeout_s: float) -> bool:
        """Wait until all that was taken is stored; False: it is not, after so long."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Forget what waits; the broker has no answer for it and sends it again.

        What the door has is stored all the same, and the inbox told so.
        """
        self._is_stopped = True
        self.on_room = _nothing
        if self._timer is not None:
            self._timer.cancel()
        if self._joining is not None:
            self._joining.cancel()
            await asyncio.gather(self._joining, return_exceptions=True)
        while self._held:
            delivery = self._held.popleft()
            if delivery.incoming is not None:
                self.inbox.forget(delivery.incoming)
                delivery.incoming = None
            delivery.release()

    # -- one after the other ----------------------------------------------------------------------

    def _convert(self, packet: Publish, incoming: Incoming | None) -> _Delivery:
        now_ms = self._now_ms()
        statistics = self._statistics
        statistics.received += 1
        statistics.last_message_time = now_ms
        statistics.is_changed = True
        self._open += 1
        if self._open >= self._limit:
            self._is_full = True
        self._idle.clear()
        delivery = _Delivery(incoming, self._done)
        delivery.weight = len(packet.payload) >> 10
        try:
            delivery.uplinks = self._settings.converter.convert(
                packet.topic, packet.payload, now_ms
            )
            statistics.converted += 1
        except FieldlineError as error:
            delivery.error = error
        except Exception as error:  # the outermost loop of this edge
            logger.exception("integration '%s': a converter failed", self._settings.name)
            delivery.error = FieldlineError(f"internal error: {type(error).__name__}")
        return delivery

    def _go_on(self) -> None:
        """Hand over what is held, as far as possible."""
        self._is_waiting = False
        wanted = self._intake.unknown(self._held)
        if wanted:
            self._is_waiting = True
            self._joining = asyncio.get_running_loop().create_task(self._join(wanted))
            return
        count = 0
        while self._held:
            if count % CHECK_DOOR_EVERY == 0 and self._intake.is_full:
                self._is_waiting = True
                self._intake.when_room(self._go_on_telling)
                return
            count += 1
            retry_s = self._hand_over(self._held[0])
            if retry_s is not None:
                self._is_waiting = True
                self._timer = asyncio.get_running_loop().call_later(retry_s, self._go_on_telling)
                return
            self._finish(self._held.popleft())

    def _hand_over(self, delivery: _Delivery) -> float | None:
        """Hand a message over; returns after how many seconds to go on with it, if not now."""
        try:
            self._intake.hand_over(delivery)
        except RateLimited as error:
            # A limit that is as full as it gets and still too small will never let it pass.
            delivery.limited = delivery.limited + 1 if error.retry_after_s <= FULL_LIMIT_S else 0
            if delivery.limited < MAX_LIMITED:
                return max(error.retry_after_s, FULL_LIMIT_S)
            delivery.error = error
        except Unavailable:
            return RETRY_S
        except Exception as error:  # the outermost loop of this edge
            logger.exception("integration '%s': a message failed", self._settings.name)
            delivery.error = FieldlineError(f"internal error: {type(error).__name__}")
        return None

    def _finish(self, delivery: _Delivery) -> None:
        if delivery.error is not None:
            self._note_failure(delivery.error)
        delivery.release()

    def _go_on_telling(self) -> None:
        if self._is_stopped:
            return
        self._go_on()
        if not self.is_waiting:
            self.on_room()

    async def _join(self, wanted: dict[str, str]) -> None:
        while True:
            try:
                await self._intake.join(wanted)
            except (RateLimited, Unavailable) as error:
                logger.warning(
                    "devices of integration '%s' wait to be found: %s",
                    self._settings.name,
                    error.message,
                )
                await asyncio.sleep(error.retry_after_s)
                continue
            except Exception:  # the outermost loop of this edge: others must not wait for ever
                logger.exception("devices of integration '%s' are not found", self._settings.name)
                await asyncio.sleep(RETRY_S)
                continue
            break
        self._go_on_telling()

    def _done(self, receipt: Receipt) -> None:
        """Note that all of a message is stored, or that it failed."""
        assert isinstance(receipt, _Delivery)  # noqa: S101 - made by _convert
        self._open -= 1
        if not self._open:
            self._idle.set()
        self._statistics.readings_stored += receipt.values
        self._statistics.is_changed = True
        if receipt.incoming is not None:
            self.inbox.stored(receipt.incoming)
        if self._is_full and self._open <= self._limit // 2:
            self._is_full = False
            if not self._is_waiting:
                self.on_room()

    def _note_failure(self, error: FieldlineError) -> None:
        now_ms = self._now_ms()
        self._statistics.failed += 1
        self._statistics.note_error(error.message, now_ms)
        self._unlogged += 1
        if self._logged_ms is None or now_ms - self._logged_ms >= LOG_INTERVAL_MS:
            logger.warning(
                "%d message(s) of integration '%s' (%s) failed: %s",
                self._unlogged,
                self._settings.name,
                self._settings.id,
                error.message,
            )
            self._logged_ms, self._unlogged = now_ms, 0


def _nothing() -> None:
    """Tell nobody."""
