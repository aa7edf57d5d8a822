"""An entity whose values go through alarm rules, and the values that wait."""

from collections import deque
from uuid import UUID

from fieldline.domains.telemetry.submitted import Submitted, Then
from fieldline.rules.fields.loader import Wanted
from fieldline.rules.fields.state import Knowledge


class Step:
    """Values that were evaluated and wait for their alarm changes to be stored."""

    __slots__ = ("open", "submitted", "then")

    def __init__(self, submitted: Submitted, then: Then, changes: int) -> None:
        self.submitted = submitted
        self.then = then
        self.open = changes


class Entity:
    """One entity. ``waiting`` is not evaluated yet, ``steps`` is evaluated and not given on.

    ``is_used``: it had a value since it was last looked at for one to forget.
    """

    __slots__ = (
        "is_loading",
        "is_stale",
        "is_used",
        "knowledge",
        "profile_id",
        "steps",
        "waiting",
        "wanted",
    )

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.profile_id: UUID | None = None
        self.knowledge: Knowledge | None = None
        self.is_stale = False
        self.is_loading = False
        self.is_used = False
        self.waiting: deque[tuple[Submitted, Then]] = deque()
        self.steps: deque[Step] = deque()

    @property
    def is_idle(self) -> bool:
        return not (self.is_loading or self.waiting or self.steps)
