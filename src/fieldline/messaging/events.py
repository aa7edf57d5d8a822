"""Events that parts tell each other over the bus after a commit.

They are plain frozen data, so that a backend between processes can carry them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from fieldline.kit.actor import Actor
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value


class Change(StrEnum):
    """What happened to an entity."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    ASSIGNED = "ASSIGNED"
    UNASSIGNED = "UNASSIGNED"
    CREDENTIALS_UPDATED = "CREDENTIALS_UPDATED"


@dataclass(frozen=True, slots=True)
class EntityChanged:
    """An entity was created, changed or deleted.

    Reactions within the transaction see it at once (``database.engine.announce``; a deletion before
    the row goes), listeners on the bus when it is committed.

    ``detail`` holds what a listener cannot look up any more (the owner of a deleted alarm rule, the
    previous customer), by names that the emitting domain documents. ``by`` is the user who did it,
    None for the platform itself. ``name`` and ``customer_id`` are the entity's; ``customer_id`` is
    the former customer when it was unassigned. ``data`` is the entity on ThingsBoard's wire, None
    where nobody may read it. ``action`` is the audit log's word where ``change`` does not say it.
    """

    tenant_id: UUID | None
    entity: EntityRef
    change: Change
    detail: Mapping[str, Any] | None = None
    by: Actor | None = None
    name: str | None = None
    customer_id: UUID | None = None
    data: Mapping[str, Any] | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class ReadingsSaved:
    """Readings were committed together: what WebSocket subscriptions show.

    ``readings`` holds tenant, entity, time in ms and values by key, in the order they were saved.
    One event for a commit: an object for each reading would cost more than all that is done with
    those that nobody watches.
    """

    readings: Sequence[tuple[UUID, EntityRef, int, Mapping[str, Value]]]


@dataclass(frozen=True, slots=True)
class AttributesSaved:
    """Attributes of one entity were committed; only keys that were written.

    ``notify_device`` asks to push changed shared attributes to the device.
    """

    tenant_id: UUID
    entity: EntityRef
    scope: str
    ts_ms: int
    values: Mapping[str, Value]
    notify_device: bool = True


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """A device went online or offline at ``ts_ms``, and that is stored."""

    tenant_id: UUID
    customer_id: UUID | None
    entity: EntityRef
    name: str
    is_active: bool
    ts_ms: int


@dataclass(frozen=True, slots=True)
class KeysDeleted:
    """Keys of one entity were deleted: time series when ``scope`` is None, else attributes."""

    tenant_id: UUID
    entity: EntityRef
    scope: str | None
    keys: tuple[str, ...]
    notify_device: bool = True


@dataclass(frozen=True, slots=True)
class TokensRevoked:
    """Tokens issued until ``before_ms`` to a session, user, customer or tenant are outdated.

    ``forget_ms``: when all of them have expired anyway. ``replaces``: sessions whose own entries
    this one makes superfluous.
    """

    subject_id: UUID
    before_ms: int
    forget_ms: int
    replaces: tuple[UUID, ...] = ()
