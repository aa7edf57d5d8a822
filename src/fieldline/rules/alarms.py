"""Alarms as rule nodes see them: what is active now, and changes that are stored in order."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from fieldline.database.engine import Database
from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.changes import Clear, Raise, Stored
from fieldline.domains.alarm.writer import AlarmWriter
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Alarms(Protocol):
    """What nodes may ask about alarms and do to them. A store that is away is waited for."""

    async def active_details(
        self, originator: EntityRef, alarm_type: str
    ) -> Mapping[str, Any] | None:
        """Return the details of the active alarm of that type, None when there is no such alarm."""

    async def apply(self, change: Raise | Clear) -> Stored:
        """Store a change; returns after its commit with what became of it."""


class StoredAlarms:
    """The alarms in the database; changes go through the one alarm writer."""

    def __init__(self, database: Database, writer: AlarmWriter) -> None:
        self._database = database
        self._writer = writer

    async def active_details(
        self, originator: EntityRef, alarm_type: str
    ) -> Mapping[str, Any] | None:
        """See :class:`Alarms`."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with self._database.read() as session:
                    alarm = await alarm_service.active(session, originator, alarm_type)
            except Unavailable:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                return None if alarm is None else alarm.details or {}

    async def apply(self, change: Raise | Clear) -> Stored:
        """See :class:`Alarms`."""
        done: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()

        def on_stored(stored: Stored | None, error: Exception | None) -> None:
            if done.cancelled():
                return
            if stored is not None:
                done.set_result(stored)
            else:
                done.set_exception(error or RuntimeError("the alarm was not stored"))

        self._writer.put(change, on_stored)
        return await done
