"""Who wants to know what happens in a tenant: presence, alarms, events of rules.

As in the hub, what nobody wants costs one look into a dict, and watchers must not wait.
"""

import logging
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

logger = logging.getLogger(__name__)


class Topic(StrEnum):
    """Kinds of thing that happen."""

    PRESENCE = "PRESENCE"
    ALARMS = "ALARMS"
    RULE_EVENTS = "RULE_EVENTS"


class Follower(Protocol):
    """Somebody who wants to know."""

    def on_event(self, event: Any) -> None:  # noqa: ANN401 - the bus's events of the topic
        """Something happened in the tenant; whether it is for this one is its own to decide."""


class Topics:
    """Tells the followers of a topic in a tenant what happened."""

    def __init__(self) -> None:
        self._followers: dict[tuple[Topic, UUID], dict[Follower, None]] = {}

    def follow(self, topic: Topic, tenant_id: UUID, follower: Follower) -> None:
        self._followers.setdefault((topic, tenant_id), {})[follower] = None

    def leave(self, topic: Topic, tenant_id: UUID, follower: Follower) -> None:
        """Stop telling; one that does not follow is no error."""
        followers = self._followers.get((topic, tenant_id), {})
        followers.pop(follower, None)
        if not followers:
            self._followers.pop((topic, tenant_id), None)

    def tell(self, topic: Topic, tenant_id: UUID, event: object) -> None:
        followers = self._followers.get((topic, tenant_id))
        if followers is None:
            return
        for follower in tuple(followers):
            try:
                follower.on_event(event)
            except Exception:
                logger.exception("a follower of %s failed", topic)
