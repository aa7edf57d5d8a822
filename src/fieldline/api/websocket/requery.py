"""The live part of a question about alarms: notes that its answer may have changed."""

from collections.abc import Callable, Iterable, Mapping

from fieldline.api.websocket.context import Context
from fieldline.api.websocket.live import Live, NoValues
from fieldline.domains.telemetry.source import Source
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.messaging.events import EntityChanged
from fieldline.security.permissions import DENIED
from fieldline.subscriptions.topics import Topic


class Requery(Live):
    """Marks itself stale when an alarm of its entities changes.

    Args:
        context: of the socket.
        hurry: is told when it became stale.
        is_bound: whether it is over when none of its entities is left.

    Raises:
        Forbidden: the caller has no tenant, and so no alarms.
    """

    def __init__(self, context: Context, hurry: Callable[[], None], *, is_bound: bool) -> None:
        super().__init__(context.hub, context.outbox, context.backlog, NoValues())
        if context.caller.tenant_id is None:
            raise Forbidden(DENIED)
        self.is_stale = False
        self._topics = context.topics
        self._tenant_id = context.caller.tenant_id
        self._hurry = hurry
        self._is_bound = is_bound
        self._only: set[EntityRef] | None = None

    @property
    def is_over(self) -> bool:
        return self._is_bound and super().is_over

    def follow_only(self, entities: set[EntityRef]) -> None:
        """Take notice only of alarms of these entities, until called again."""
        self._only = entities

    def watch(self, entities: Iterable[EntityRef]) -> None:
        self._topics.follow(Topic.ALARMS, self._tenant_id, self)
        super().watch(entities)

    def on_event(self, event: EntityChanged) -> None:
        """Take notice of a changed alarm."""
        originator = (event.detail or {}).get("originator")
        if self._only is None or originator in self._only:
            self._become_stale()

    def drop(self, entity: EntityRef) -> None:
        super().drop(entity)
        self._become_stale()

    def end(self) -> None:
        self._topics.leave(Topic.ALARMS, self._tenant_id, self)
        super().end()

    def take(self) -> bytes | None:
        return None

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        """Leave readings alone: they come with every entity that is watched."""

    def on_attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        """Leave attributes alone."""

    def on_deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        """Leave keys alone."""

    def _become_stale(self) -> None:
        self.is_stale = True
        self._hurry()

    def _has_pending(self) -> bool:
        return False

    def _discard(self, entity: EntityRef, *, but: Source | None = None) -> None:
        """Forget nothing: nothing is pending."""
