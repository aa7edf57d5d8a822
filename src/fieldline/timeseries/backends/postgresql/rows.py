"""Takes the value out of a row that begins with the five value columns."""

from typing import cast

import asyncpg

from fieldline.kit.values import JsonText, Value
from fieldline.timeseries.columns import COLUMNS

_JSON = COLUMNS.index("json_v")


def value_of(row: asyncpg.Record) -> Value:
    """Return the one value among the row's first columns."""
    for column in range(_JSON):
        if row[column] is not None:
            return cast("Value", row[column])
    return JsonText(row[_JSON])
