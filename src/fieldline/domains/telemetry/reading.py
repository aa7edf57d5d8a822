"""Reading history without letting one request hold more than a server can."""

from dataclasses import replace

from fieldline.kit.errors import Invalid
from fieldline.timeseries.store import Point, RangeQuery, TimeseriesStore

MAX_POINTS = 250_000
"""Points of one answer, all keys and entities together; about 100 MB while it is made."""


class PointBudget:
    """How many points the answer to one request may still take."""

    def __init__(self, points: int = MAX_POINTS) -> None:
        self._points = points
        self.left = points

    def take(self, points: int) -> None:
        """Use up some.

        Raises:
            Invalid: there are not so many left.
        """
        self.left -= points
        if self.left < 0:
            msg = (
                f"The answer would have more than {self._points} points; "
                "ask for fewer keys, a shorter range, a lower limit, or an aggregation"
            )
            raise Invalid(msg)


async def read_within(
    store: TimeseriesStore, query: RangeQuery, budget: PointBudget
) -> dict[str, list[Point]]:
    """Read a range; key by key when all keys together might be too much.

    Raises:
        Invalid: the budget is used up.
    """
    if query.limit * len(query.keys) <= budget.left:
        series = await store.read(query)
        budget.take(sum(map(len, series.values())))
        return series
    series = {}
    for key in query.keys:
        limit = min(query.limit, budget.left + 1)
        found = await store.read(replace(query, keys=(key,), limit=limit))
        budget.take(len(found[key]))
        series[key] = found[key]
    return series
