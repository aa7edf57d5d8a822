"""What one interval's points become, from the parts that SQL computes.

A database counts, adds up and compares by column; these functions choose among the columns as
ThingsBoard does. Sums of longs arrive exact (Python's integers), and become a double only when they
exceed 64 bits.
"""

from typing import NamedTuple

from fieldline.kit.values import INT64_MAX, INT64_MIN, Value
from fieldline.timeseries.store import Aggregation


class Sums(NamedTuple):
    """Count and sum of an interval's longs and doubles; a sum of nothing is 0."""

    long_count: int
    long_sum: int
    double_count: int
    double_sum: float


class Extremes(NamedTuple):
    """The least or greatest long, double and string of an interval; None where there is none."""

    long: int | None
    double: float | None
    string: str | None


class Counts(NamedTuple):
    """How many points of each type an interval holds."""

    boolean: int
    string: int
    json: int
    long: int
    double: int


def total(sums: Sums) -> Value | None:
    """Return the sum: a long unless any point is a double; None without numbers."""
    if sums.double_count:
        return float(sums.long_sum) + sums.double_sum
    if not sums.long_count:
        return None
    return sums.long_sum if INT64_MIN <= sums.long_sum <= INT64_MAX else float(sums.long_sum)


def average(sums: Sums) -> Value | None:
    """Return the mean as a double; None without numbers."""
    count = sums.long_count + sums.double_count
    return (float(sums.long_sum) + sums.double_sum) / count if count else None


def extreme(aggregation: Aggregation, found: Extremes) -> Value | None:
    """Return the least or greatest number, else string; None when there is neither.

    A long beside a double gives a double.
    """
    if found.long is None:
        return found.string if found.double is None else found.double
    if found.double is None:
        return found.long
    choose = min if aggregation is Aggregation.MIN else max
    return choose(float(found.long), found.double)


def count(counts: Counts) -> int | None:
    """Return how many points there are of the first type present: boolean, string, JSON, number.

    None when there are no points at all.
    """
    numbers = counts.long + counts.double
    return counts.boolean or counts.string or counts.json or numbers or None
