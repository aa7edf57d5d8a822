"""Notifications over the socket: clients ask for them at log-in, and there are none yet.

So the first answer is also the last one: nothing is watched, and nothing can be marked as read.
"""

import orjson

from fieldline.api.websocket.commands import (
    NotificationCmd,
    NotificationsCmd,
    NotificationsCountCmd,
)
from fieldline.api.websocket.updates import ErrorCode

FIRST = 1
"""Clients ignore an answer whose number is not above the last one of its cmdId."""


def reply(command: NotificationCmd) -> bytes | None:
    """Tell that there are no notifications; a command that marks them gets no answer."""
    if isinstance(command, NotificationsCmd):
        return _update(command.cmd_id, command.type, notifications=[], update=None)
    if isinstance(command, NotificationsCountCmd):
        return _update(command.cmd_id, command.type)
    return None


def _update(cmd_id: int, kind: str, **content: object) -> bytes:
    frame = {
        "cmdId": cmd_id,
        "cmdUpdateType": kind,
        "errorCode": ErrorCode.NONE,
        "errorMsg": None,
        **content,
        "totalUnreadCount": 0,
        "sequenceNumber": FIRST,
    }
    return orjson.dumps(frame)
