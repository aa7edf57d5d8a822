"""Values for metrics: what users write, as the type that the metric was born with.

Source: Eclipse Sparkplug 3.0.0, section 6.4.16; the forms are those of ``values``.
"""

import struct
from collections.abc import Callable
from typing import Any

from fieldline.kit.java_text import value_text
from fieldline.protocols.sparkplug import arrays
from fieldline.protocols.sparkplug.datatypes import (
    BLOBS,
    ELEMENTS,
    SIGNED_BITS,
    TEXTS,
    UNSIGNED_BITS,
    DataType,
)
from fieldline.protocols.sparkplug.errors import NotWritable
from fieldline.protocols.sparkplug.values import SIMPLE_TYPES

MAX_DEPTH = 20
"""Levels of templates within templates that can be written."""

Write = Callable[[Any, Any, int], None]
"""Puts a value into a message, at a depth of templates."""


def write_value(message: Any, datatype: int, value: Any, depth: int = 0) -> None:  # noqa: ANN401
    """Put a value into a metric, a parameter or an element of a data set; None leaves it out.

    Raises:
        NotWritable: the value is not one of that type.
    """
    write = _WRITERS.get(datatype)
    if write is None:
        raise NotWritable(f"Values of type {datatype} cannot be written")
    if value is not None:
        write(message, value, depth)


def _integer(datatype: DataType, bits: int, *, is_signed: bool) -> Write:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else (0, (1 << bits) - 1)

    def write(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise NotWritable(f"A {datatype.name} takes a whole number from {low} to {high}")
        if bits == 64:
            message.long_value = value & 0xFFFF_FFFF_FFFF_FFFF
        else:
            message.int_value = value & 0xFFFF_FFFF

    return write


def _number(value: Any, datatype: DataType) -> float:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotWritable(f"A {datatype.name} takes a number")
    return float(value)


def _float(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
    number = _number(value, DataType.Float)
    try:
        struct.pack("<f", number)
    except OverflowError:
        raise NotWritable("A Float takes a number of at most 3.4e38") from None
    message.float_value = number


def _double(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
    message.double_value = _number(value, DataType.Double)


def _boolean(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
    if not isinstance(value, bool):
        raise NotWritable("A Boolean takes true or false")
    message.boolean_value = value


def _text(datatype: DataType) -> Write:
    def write(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
        # Attributes that look like numbers are stored as numbers: those are texts here too.
        if not isinstance(value, str | bool | int | float):
            raise NotWritable(f"A {datatype.name} takes a text")
        message.string_value = value_text(value)

    return write


def _blob(datatype: DataType) -> Write:
    def write(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
        try:
            message.bytes_value = struct.pack(f"<{len(value)}b", *value)
        except (struct.error, TypeError):
            msg = f"A {datatype.name} takes a list of bytes from -128 to 127"
            raise NotWritable(msg) from None

    return write


def _array(datatype: DataType) -> Write:
    def write(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
        if not isinstance(value, list):
            raise NotWritable(f"A {datatype.name} takes a list")
        message.bytes_value = arrays.pack(datatype, value)

    return write


def _data_set(message: Any, value: Any, _depth: int) -> None:  # noqa: ANN401
    columns, types, rows = (_list(value, part) for part in ("columns", "types", "rows"))
    kinds = [_type(name) for name in types]
    if len(columns) != len(kinds) or not SIMPLE_TYPES.issuperset(kinds):
        raise NotWritable("A DataSet takes a simple type for each of its columns")
    data = message.dataset_value
    data.SetInParent()
    data.num_of_columns = len(columns)
    data.columns.extend(_name(column) for column in columns)
    data.types.extend(kinds)
    for row in rows:
        if not isinstance(row, list) or len(row) != len(kinds):
            raise NotWritable("A row of a DataSet is a list with a value for each column")
        written = data.rows.add()
        for kind, element in zip(kinds, row, strict=True):
            write_value(written.elements.add(), kind, element)


def _template(message: Any, value: Any, depth: int) -> None:  # noqa: ANN401
    if depth >= MAX_DEPTH:
        raise NotWritable(f"Templates can be nested {MAX_DEPTH} levels deep")
    parameters, metrics = (_list(value, part) for part in ("parameters", "metrics"))
    template = message.template_value
    template.is_definition = value.get("isDefinition") is True
    if value.get("templateRef") is not None:
        template.template_ref = _name(value["templateRef"])
    if value.get("version") is not None:
        template.version = _name(value["version"])
    for each in parameters:
        kind = _type(_part(each).get("type"))
        if kind not in SIMPLE_TYPES:
            raise NotWritable("A parameter of a Template has a simple type")
        parameter = template.parameters.add(name=_name(each.get("name")), type=kind)
        write_value(parameter, kind, each.get("value"))
    for each in metrics:
        kind = _type(_part(each).get("type"))
        metric = template.metrics.add(name=_name(each.get("name")), datatype=kind)
        if each.get("value") is None:
            metric.is_null = True
        write_value(metric, kind, each.get("value"), depth + 1)


def _list(value: Any, part: str) -> list[Any]:  # noqa: ANN401
    found = value.get(part, []) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise NotWritable(f"It takes an object in which '{part}' is a list")
    return found


def _part(value: Any) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict):
        raise NotWritable('A part of a Template is an object {"name", "type", "value"}')
    return value


def _name(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise NotWritable("Names, columns, versions and references are texts")
    return value


def _type(name: Any) -> int:  # noqa: ANN401
    try:
        return DataType[str(name)]
    except KeyError:
        msg = f"'{str(name)[:64]}' is none of Sparkplug's types, as Int32, Double or String are"
        raise NotWritable(msg) from None


_WRITERS: dict[int, Write] = {
    **{kind: _integer(kind, bits, is_signed=True) for kind, bits in SIGNED_BITS.items()},
    **{kind: _integer(kind, bits, is_signed=False) for kind, bits in UNSIGNED_BITS.items()},
    DataType.Float: _float,
    DataType.Double: _double,
    DataType.Boolean: _boolean,
    **{kind: _text(kind) for kind in TEXTS},
    **{kind: _blob(kind) for kind in BLOBS},
    **{kind: _array(kind) for kind in (*ELEMENTS, DataType.BooleanArray, DataType.StringArray)},
    DataType.DataSet: _data_set,
    DataType.Template: _template,
}
