"""Calendar months."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.domains.api_usage.months import month_end, month_name, month_start

TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants them so


def ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ((2026, 11, 27), (2026, 11, 1), (2026, 12, 1)),
        ((2026, 12, 31), (2026, 12, 1), (2027, 1, 1)),
        ((2028, 2, 29), (2028, 2, 1), (2028, 3, 1)),
    ],
)
def test_the_bounds_of_a_month(
    now: tuple[int, int, int], start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    now_ms, start_ms, end_ms = (ms(datetime(*day, tzinfo=UTC)) for day in (now, start, end))

    assert (month_start(now_ms), month_end(now_ms)) == (start_ms, end_ms)


@given(TIMES)
def test_a_time_is_in_the_month_that_it_names(moment: datetime) -> None:
    now_ms = ms(moment)
    start, end = month_start(now_ms), month_end(now_ms)

    assert start <= now_ms < end
    assert month_start(end) == end
    assert month_start(end - 1) == start
    assert month_name(start) == f"{moment.year:04}-{moment.month:02}"
