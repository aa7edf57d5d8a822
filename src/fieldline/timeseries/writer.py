"""The one writer of readings and attributes: makes batches, waits for the store, tells others.

Savers give rows and a callback; the writer collects what comes while a commit runs, commits it as
one batch, then calls the callbacks in the order of the calls. All calls are on the event loop.
"""

from collections.abc import Callable, Mapping
from typing import Protocol
from uuid import UUID

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.timeseries.store import Scope

OnSaved = Callable[[Exception | None], None]
"""Called after the commit with None, or with why these rows alone could not be stored."""
OnAttributesSaved = Callable[[set[str], Exception | None], None]
"""The same for attributes, with the keys that were really written."""


class Saves(Protocol):
    """What rules, ingest and services see of the writer (``TimeseriesWriter`` implements it)."""

    @property
    def is_full(self) -> bool:
        """Whether too many rows wait; edges then stop reading until :meth:`when_room` calls."""

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room again."""

    def save_readings(
        self,
        tenant_id: UUID,
        entity: EntityRef,
        ts_ms: int,
        values: Mapping[str, Value],
        on_saved: OnSaved | None = None,
        *,
        to_history: bool = True,
        to_latest: bool = True,
        notify: bool = True,
    ) -> None:
        """Store values of one time; ``on_saved`` is called after the commit.

        ``notify`` tells the writer's ``on_readings`` after the commit (WebSocket subscriptions).

        Raises:
            Invalid: a key is blank, over 255 characters or holds HTML or ``{{ }}``; nothing is
                stored then.
        """

    def save_attributes(
        self,
        tenant_id: UUID,
        entity: EntityRef,
        scope: Scope,
        values: Mapping[str, Value],
        on_saved: OnAttributesSaved | None = None,
        *,
        only_changed: bool = False,
        notify_device: bool = True,
    ) -> None:
        """Store attributes as of now; ``on_saved`` gets the keys that were really written.

        Tells the writer's ``on_attributes`` after the commit, with those keys only.

        Raises:
            Invalid: as for readings.
        """

    async def flush(self) -> None:
        """Wait until everything that was given so far is committed and called back."""
