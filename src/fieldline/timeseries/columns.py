"""The five value columns of every table, and which one a value belongs in."""

from fieldline.kit.values import JsonText, Value

COLUMN_OF: dict[type, str] = {
    bool: "bool_v",
    int: "long_v",
    float: "dbl_v",
    str: "str_v",
    JsonText: "json_v",
}
"""Type of a value -> the column that holds it; the others of the row are NULL."""

COLUMNS = tuple(COLUMN_OF.values())

BOOLEAN, JSON = 1, 2
VALUE_SQL = (
    "COALESCE(long_v, dbl_v, str_v, json_v, bool_v), (bool_v IS NOT NULL) + 2*(json_v IS NOT NULL)"
)
"""A row's value and what to make of it, for a database whose columns may hold any type."""


def decode(value: Value, kind: int) -> Value:
    """Return the value of a row that was read by ``VALUE_SQL``."""
    if not kind:
        return value
    return bool(value) if kind == BOOLEAN else JsonText(value)
