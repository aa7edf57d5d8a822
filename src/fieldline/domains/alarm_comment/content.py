"""What a comment holds: the words of users checked, those of the platform made.

Source: ``rules/device_profile_alarms.md`` section 4, AlarmComment.
"""

from enum import StrEnum
from typing import Any

from fieldline.domains.alarm_comment.errors import InvalidComment
from fieldline.kit.actor import Actor
from fieldline.kit.json import dumps_text
from fieldline.kit.text import check_json
from fieldline.messaging.events import EntityChanged

MAX_LENGTH = 10_000
"""Characters of a comment's JSON."""
_RESERVED = frozenset({"edited", "editedOn", "subtype"})
"""What only the platform writes."""

Comment = dict[str, Any]


class CommentType(StrEnum):
    """Who speaks."""

    SYSTEM = "SYSTEM"
    OTHER = "OTHER"


class Subtype(StrEnum):
    """What a system comment tells."""

    ACKED_BY_USER = "ACKED_BY_USER"
    CLEARED_BY_USER = "CLEARED_BY_USER"
    ASSIGNED_TO_USER = "ASSIGNED_TO_USER"
    UNASSIGNED_BY_USER = "UNASSIGNED_BY_USER"
    UNASSIGNED_FROM_DELETED_USER = "UNASSIGNED_FROM_DELETED_USER"
    COMMENT_DELETED = "COMMENT_DELETED"
    SEVERITY_CHANGED = "SEVERITY_CHANGED"


_DEEDS = {
    "ACK": (Subtype.ACKED_BY_USER, "Alarm was acknowledged"),
    "CLEARED": (Subtype.CLEARED_BY_USER, "Alarm was cleared"),
    "ASSIGNED": (Subtype.ASSIGNED_TO_USER, "Alarm was assigned"),
    "UNASSIGNED": (Subtype.UNASSIGNED_BY_USER, "Alarm was unassigned"),
}
"""Action of the event's detail -> what is noted of it."""


def checked(given: Any) -> Comment:  # noqa: ANN401 - whatever the client sent
    """Return what a user says, without the parts that only the platform writes.

    Raises:
        InvalidComment: it is no JSON object with a text, or is too long.
        Invalid: it holds markup.
    """
    if not isinstance(given, dict):
        raise InvalidComment('Alarm comment should be a JSON object like {"text": "..."}!')
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InvalidComment("Alarm comment text should be specified!")
    comment = {key: value for key, value in given.items() if key not in _RESERVED}
    check_json("Alarm comment", comment)
    if len(dumps_text(comment)) > MAX_LENGTH:
        msg = f"Validation error: comment length must be equal or less than {MAX_LENGTH}"
        raise InvalidComment(msg)
    return comment


def edited(comment: Comment, now_ms: int) -> Comment:
    """Mark a comment as changed after it was made."""
    return {**comment, "edited": "true", "editedOn": now_ms}


def deleted(by: Actor) -> Comment:
    """Return what stands in the place of a deleted comment."""
    text = f"Comment was deleted by user {by.title}"
    return {"text": text, "subtype": Subtype.COMMENT_DELETED.value, "userName": by.title}


def of_event(event: EntityChanged) -> list[Comment]:
    """Return what the platform notes of a change of an alarm; mostly nothing."""
    detail = event.detail or {}
    notes = [_deed(event, detail["action"])]
    if (old := detail.get("old_severity")) is not None:
        new = detail["severity"]
        text = f"Alarm severity was updated from {old} to {new}"
        notes.append(_system(Subtype.SEVERITY_CHANGED, text, oldSeverity=old, newSeverity=new))
    return [note for note in notes if note is not None]


def _deed(event: EntityChanged, action: str) -> Comment | None:
    former = (event.detail or {}).get("deleted_assignee")
    if former is not None:
        text = f"Alarm was unassigned because user {former} - was deleted"
        return _system(Subtype.UNASSIGNED_FROM_DELETED_USER, text, userName=former)
    if event.by is None or action not in _DEEDS:
        return None
    subtype, text = _DEEDS[action]
    name = event.by.title
    if subtype is not Subtype.ASSIGNED_TO_USER:
        return _system(subtype, f"{text} by user {name}", userName=name)
    assignee = (event.detail or {}).get("assignee")
    said = f"{text} by user {name} to user {assignee}"
    return _system(subtype, said, userName=name, assigneeName=assignee)


def _system(subtype: Subtype, text: str, **more: str | None) -> Comment:
    return {"text": text, "subtype": subtype.value, **more}
