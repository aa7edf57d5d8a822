"""An entity whose values go through alarm rules, and the values that wait."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol
from uuid import UUID

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.messaging.receipt import Receipt
from fieldline.rules.fields.loader import Wanted
from fieldline.rules.fields.state import Knowledge
from fieldline.timeseries.store import Scope


class Submitted(Protocol):
    """Values that are about to be stored, in whatever class: see ``evaluator.SavedValues``."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def entity(self) -> EntityRef: ...
    @property
    def profile_id(self) -> UUID | None: ...
    @property
    def scope(self) -> Scope | None: ...
    @property
    def ts_ms(self) -> int: ...
    @property
    def values(self) -> Mapping[str, Value]: ...
    @property
    def receipt(self) -> Receipt: ...


Then = Callable[[], None]


class Step:
    """Values that were evaluated and wait for their alarm changes to be stored."""

    __slots__ = ("open", "saved", "then")

    def __init__(self, saved: Submitted, then: Then, changes: int) -> None:
        self.saved = saved
        self.then = then
        self.open = changes


class Entity:
    """One entity. ``waiting`` is not evaluated yet, ``steps`` is evaluated and not given on."""

    __slots__ = ("is_loading", "is_stale", "knowledge", "profile_id", "steps", "waiting", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.profile_id: UUID | None = None
        self.knowledge: Knowledge | None = None
        self.is_stale = False
        self.is_loading = False
        self.waiting: deque[tuple[Submitted, Then]] = deque()
        self.steps: deque[Step] = deque()

    @property
    def is_idle(self) -> bool:
        return not (self.is_loading or self.waiting or self.steps)
