"""What clients leave to be said when their connection is lost.

A will is a message of the device like any other, on the topics that devices publish to; nobody else
could subscribe to it here. Sessions end with their connection, so it is said at once, whatever
its Will Delay Interval. Source: OASIS MQTT 5.0 section 3.1.2.5; MQTT 3.1.1 likewise.
"""

import logging
from typing import Protocol

from fieldline.kit.errors import FieldlineError
from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.packets import Publish, Will
from fieldline.transports.mqtt.stats import MqttStats

logger = logging.getLogger(__name__)


class Speaker(Protocol):
    """Whoever left the will (``DeviceChannel``)."""

    @property
    def name(self) -> str:
        """Who that is, for the log."""

    def publish_will(self, packet: Publish, receipt: Receipt) -> None:
        """Hand it in; raises FieldlineError when it is refused."""


class Wills:
    """The wills of one server's connections that the rules have not finished with yet.

    A connection that is gone cannot be slowed down. So while ``limit`` of them wait, clients with
    a will are not let in; those that are connected then are the most that can come on top.
    """

    def __init__(self, limit: int, stats: MqttStats) -> None:
        self.waiting = 0
        self._limit = limit
        self._stats = stats

    @property
    def is_full(self) -> bool:
        """Whether no client with a will is to be let in."""
        return self.waiting >= self._limit

    def say(self, speaker: Speaker, will: Will) -> None:
        """Hand a will in; one that is refused is counted, there is nobody to tell."""
        self.waiting += 1
        receipt = Receipt(self._done)
        receipt.weight = len(will.payload) >> 10
        try:
            speaker.publish_will(Publish(will.topic, will.payload), receipt)
        except FieldlineError as error:
            self._stats.wills_refused += 1
            logger.debug("the will of %s was refused: %s", speaker.name, error.message)
        else:
            self._stats.wills_said += 1
        finally:
            receipt.release()

    def _done(self, _receipt: Receipt) -> None:
        self.waiting -= 1
