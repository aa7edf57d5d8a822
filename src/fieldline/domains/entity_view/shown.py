"""What an entity view shows of another entity."""

from dataclasses import dataclass

from fieldline.domains.entity_view.models import EntityView
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import INT64_MAX, INT64_MIN


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose time series, which keys (None: all), from when to when, both inclusive, in ms."""

    target: EntityRef
    keys: frozenset[str] | None
    start_ms: int
    end_ms: int

    def is_within(self, ts_ms: int) -> bool:
        return self.start_ms <= ts_ms <= self.end_ms


def shown_by(view: EntityView) -> Shown:
    """Return what a view shows; no listed key means all, a time of 0 an open side."""
    return Shown(
        view.target,
        frozenset(view.keys["timeseries"]) or None,
        view.start_ts or INT64_MIN,
        view.end_ts or INT64_MAX,
    )
