"""Values on their way to the store, which the alarm rules see before it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.messaging.receipt import Receipt
from fieldline.timeseries.store import Scope


@dataclass(slots=True)
class Submitted:
    """Values of one time that are about to be stored; ``scope`` None means a time series.

    Alarm rules that store something because of them hold ``receipt`` until it is stored.
    ``profile_id`` is the entity's profile where the sender knows it.
    """

    tenant_id: UUID
    entity: EntityRef
    profile_id: UUID | None
    scope: Scope | None
    ts_ms: int
    values: Mapping[str, Value]
    receipt: Receipt


Then = Callable[[], None]
"""Stores the values; called in every case, at once or later."""
Evaluate = Callable[[Submitted, Then], None]
"""Shows values to the alarm rules, then makes the call given, which stores them."""


def without_rules(_submitted: Submitted, then: Then) -> None:
    """Store at once: for a platform without alarm rules."""
    then()
