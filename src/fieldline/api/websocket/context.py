"""What the commands of one socket work with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from fieldline.api.websocket.closing import Close, CloseCode
from fieldline.api.websocket.limits import SocketLimits
from fieldline.api.websocket.live import Live
from fieldline.api.websocket.outbox import Backlog, Outbox
from fieldline.api.websocket.updates import ErrorCode, v1_error
from fieldline.domains.telemetry.service import Telemetry
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef
from fieldline.rest.services import Services
from fieldline.security.caller import Caller
from fieldline.subscriptions.hub import Hub
from fieldline.subscriptions.topics import Topics

TOO_MANY = "Max subscriptions limit reached!"


class Subscription(Protocol):
    """What one cmdId stands for."""

    @property
    def lives(self) -> list[Live]:
        """Its live parts."""


@dataclass(slots=True)
class Context:
    """One authenticated socket; ``refuse_over_quota`` closes it when it may not subscribe more."""

    caller: Caller
    services: Services
    telemetry: Telemetry
    hub: Hub
    limits: SocketLimits
    outbox: Outbox
    backlog: Backlog
    topics: Topics
    refuse_over_quota: Callable[[], None]
    subscriptions: dict[int, Subscription] = field(default_factory=dict)

    def refuse(self, cmd_id: int, code: ErrorCode, message: str) -> None:
        """Answer that a command failed, in the form that v1 and v2 share."""
        self.outbox.post(v1_error(cmd_id, code, message))

    def add(self, cmd_id: int, subscription: Subscription) -> None:
        """Note a subscription; one of the same cmdId ends.

        Raises:
            Close: there are too many.
        """
        self.end(cmd_id)
        if len(self.subscriptions) >= self.limits.max_subscriptions:
            raise Close(CloseCode.POLICY, TOO_MANY)
        self.subscriptions[cmd_id] = subscription

    def end(self, cmd_id: int) -> None:
        """End a subscription; one that is not there is no error."""
        subscription = self.subscriptions.pop(cmd_id, None)
        if subscription is not None:
            for live in subscription.lives:
                live.end()

    def end_all(self) -> None:
        for cmd_id in tuple(self.subscriptions):
            self.end(cmd_id)

    def watch(self, live: Live, entities: Iterable[EntityRef]) -> None:
        """Watch entities for a subscription.

        Raises:
            Invalid: the socket's subscriptions would watch too many.
        """
        wanted = list(entities)
        watched = sum(
            len(part.entities) for each in self.subscriptions.values() for part in each.lives
        )
        if watched + len(wanted) > self.limits.max_watched_entities:
            msg = (
                f"One socket may watch {self.limits.max_watched_entities} entities; "
                f"it watches {watched} and {len(wanted)} more were asked for"
            )
            raise Invalid(msg)
        live.watch(wanted)
