"""The words of an alarm's life: severity, status, and what a list of alarms may be filtered by."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from fieldline.kit.ids import EntityType


class Severity(StrEnum):
    """How bad it is, worst first."""

    CRITICAL = "CRITICAL"
    MAJOR = "MAJOR"
    MINOR = "MINOR"
    WARNING = "WARNING"
    INDETERMINATE = "INDETERMINATE"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Status(StrEnum):
    """Whether the condition still holds, and whether somebody has seen it."""

    ACTIVE_UNACK = "ACTIVE_UNACK"
    ACTIVE_ACK = "ACTIVE_ACK"
    CLEARED_UNACK = "CLEARED_UNACK"
    CLEARED_ACK = "CLEARED_ACK"

    @property
    def is_cleared(self) -> bool:
        return self in {Status.CLEARED_UNACK, Status.CLEARED_ACK}

    @property
    def is_acknowledged(self) -> bool:
        return self in {Status.ACTIVE_ACK, Status.CLEARED_ACK}


def status_of(*, acknowledged: bool, cleared: bool) -> Status:
    if cleared:
        return Status.CLEARED_ACK if acknowledged else Status.CLEARED_UNACK
    return Status.ACTIVE_ACK if acknowledged else Status.ACTIVE_UNACK


class SearchStatus(StrEnum):
    """One half of a status, as lists are filtered by it."""

    ANY = "ANY"
    ACTIVE = "ACTIVE"
    CLEARED = "CLEARED"
    ACK = "ACK"
    UNACK = "UNACK"


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms a list shows; None means whatever.

    ``created_from_ms`` and ``created_to_ms`` are both inclusive. ``shown_at`` asks for the alarms
    of an entity and those propagated to it.
    """

    cleared: bool | None = None
    acknowledged: bool | None = None
    severities: tuple[Severity, ...] = ()
    types: tuple[str, ...] = ()
    assignee_id: UUID | None = None
    originator_type: EntityType | None = None
    originator_id: UUID | None = None
    shown_at: UUID | None = None
    originator_ids: tuple[UUID, ...] | None = None
    customer_id: UUID | None = None
    created_from_ms: int | None = None
    created_to_ms: int | None = None


def halves(wanted: set[SearchStatus]) -> tuple[bool | None, bool | None]:
    """Return the filters (cleared, acknowledged) that the search statuses stand for.

    Both members of a pair (ACTIVE and CLEARED, ACK and UNACK) cancel each other out; ANY asks
    nothing, whatever is beside it.
    """
    if SearchStatus.ANY in wanted:
        return None, None
    return (
        _one_of(SearchStatus.CLEARED, SearchStatus.ACTIVE, wanted),
        _one_of(SearchStatus.ACK, SearchStatus.UNACK, wanted),
    )


def _one_of(yes: SearchStatus, no: SearchStatus, wanted: set[SearchStatus]) -> bool | None:
    if (yes in wanted) == (no in wanted):
        return None
    return yes in wanted


@dataclass(frozen=True, slots=True)
class Propagation:
    """To whom else an alarm is shown."""

    to_related: bool = False
    to_owner: bool = False
    to_tenant: bool = False
    relation_types: tuple[str, ...] = ()
