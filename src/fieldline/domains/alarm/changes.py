"""What rules ask the alarm writer to do, what it did, and the pure rules of an alarm's life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.propagation import set_propagation
from fieldline.domains.alarm.status import Propagation, Severity
from fieldline.kit.ids import EntityRef, EntityType, new_id

Key = tuple[UUID, str]
"""Originator and alarm type: there is at most one active alarm of each."""


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise an alarm, or renew the active one of the same originator and type.

    Args:
        ts_ms: when the condition was met: start and end of a new alarm, end of a renewed one.
        details: replace the ones there are; None keeps them.
        only_worse: leave an active alarm of a worse severity alone (alarm rules do, nodes do not).
        marks: time of the reading of each key that a rule decided on, as the device gave it.
        source_id: the alarm rule that asks; told with the event, so that it knows its own changes.
    """

    tenant_id: UUID
    originator: EntityRef
    customer_id: UUID | None
    type: str
    severity: Severity
    ts_ms: int
    details: dict[str, Any] | None = None
    propagation: Propagation = field(default_factory=Propagation)
    only_worse: bool = True
    marks: Mapping[str, int] = field(default_factory=dict)
    source_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Clear:
    """Clear the active alarm of an originator and type, if there is one."""

    tenant_id: UUID
    originator: EntityRef
    type: str
    ts_ms: int
    details: dict[str, Any] | None = None
    marks: Mapping[str, int] = field(default_factory=dict)
    source_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete every alarm of an originator that is gone."""

    tenant_id: UUID
    originator: EntityRef


@dataclass(frozen=True, slots=True)
class Move:
    """Show the active alarms of a device or asset to the customer it belongs to now, to no other.

    Cleared ones stay with the customer that they concerned.
    """

    tenant_id: UUID
    originator: EntityRef
    customer_id: UUID | None


_OWNERS = {EntityType.DEVICE: "device_id", EntityType.ASSET: "asset_id"}
Change = Raise | Clear | Forget | Move


class Outcome(StrEnum):
    """What became of a change."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    SEVERITY_UPDATED = "SEVERITY_UPDATED"
    CLEARED = "CLEARED"
    UNCHANGED = "UNCHANGED"


@dataclass(frozen=True, slots=True)
class Stored:
    """A change that is committed.

    ``alarm`` is ThingsBoard's JSON of the alarm right after it; None when there was none to clear.
    ``active_severity`` is None when no alarm is active after it.
    """

    outcome: Outcome
    alarm: dict[str, Any] | None
    active_severity: Severity | None


def raised(change: Raise, active: Alarm | None, now_ms: int) -> tuple[Outcome, Alarm]:
    """Apply to the active alarm, or make a new one (not yet in any session)."""
    if active is None:
        return Outcome.CREATED, _new(change, now_ms)
    if change.only_worse and change.severity.rank > active.rank:
        return Outcome.UNCHANGED, active
    outcome = Outcome.UPDATED
    if active.severity != change.severity.value:
        outcome = Outcome.SEVERITY_UPDATED
        active.severity = change.severity.value
    active.end_ts = max(active.end_ts, change.ts_ms)
    if change.details is not None:
        active.details = change.details
    set_propagation(active, change.propagation)
    _mark(active, change.marks)
    return outcome, active


def cleared(change: Clear, active: Alarm) -> None:
    active.cleared = True
    # A user may have given an alarm a start that lies after the reading which clears it.
    active.clear_ts = max(change.ts_ms, active.start_ts)
    if change.details is not None:
        active.details = change.details
    _mark(active, change.marks)


def _new(change: Raise, now_ms: int) -> Alarm:
    alarm = Alarm(
        id=new_id(),
        created_time=now_ms,
        tenant_id=change.tenant_id,
        customer_id=change.customer_id,
        originator_type=change.originator.type.value,
        originator_id=change.originator.id,
        **owner_of(change.originator),
        type=change.type,
        severity=change.severity.value,
        acknowledged=False,
        cleared=False,
        start_ts=change.ts_ms,
        end_ts=change.ts_ms,
        ack_ts=0,
        clear_ts=0,
        assign_ts=0,
        details=change.details if change.details is not None else {},
    )
    _mark(alarm, change.marks)
    set_propagation(alarm, change.propagation)
    return alarm


def owner_of(originator: EntityRef) -> dict[str, UUID]:
    """Return the column that lets the alarm go with its originator, if there is one."""
    column = _OWNERS.get(originator.type)
    return {column: originator.id} if column else {}


def _mark(alarm: Alarm, marks: Mapping[str, int]) -> None:
    if marks:
        alarm.rule_marks = dict(marks)
        alarm.rule_ts = max(marks.values())
