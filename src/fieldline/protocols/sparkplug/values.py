"""Values of metrics: from and to the types that the platform stores.

Integers and DateTime (ms) are whole numbers, Float and Double numbers, String, Text and UUID text.
JSON holds the rest: Bytes and File as lists of signed bytes, arrays as lists, a DataSet as
``{"columns", "types", "rows"}``, a Template as ``{"templateRef", "version", "isDefinition",
"parameters", "metrics"}`` with each parameter and metric as ``{"name", "type", "value"}``. What
JSON cannot hold is null (not a number, infinite) or its digits as text (beyond 64 signed bits).
The same forms are what commands take.

Source: Eclipse Sparkplug 3.0.0, section 6.4.16.
"""

import math
from collections.abc import Callable
from typing import Any

from fieldline.kit.values import INT64_MAX
from fieldline.protocols.sparkplug import arrays
from fieldline.protocols.sparkplug.datatypes import (
    BLOBS,
    ELEMENTS,
    SIGNED_BITS,
    TEXTS,
    UNSIGNED_BITS,
    DataType,
)
from fieldline.protocols.sparkplug.errors import MalformedPayload

Read = Callable[[Any, str], Any]
"""Reads the value of a message from the field of that name."""


def read_value(message: Any, datatype: int) -> Any:  # noqa: ANN401 - the runtime's class; JSON
    """Return the value of a metric, a parameter or an element of a data set.

    None: it has none, it is of a type that nobody knows, or it is not finite.

    Raises:
        MalformedPayload: the value is not of its type.
    """
    field = message.WhichOneof("value")
    if field is None:
        return None
    read = _READERS.get(datatype)
    return None if read is None else read(message, field)


def text_of(raw: str | bytes) -> str:
    """Return a text of the runtime, which hands out bytes where it is not UTF-8, without NUL."""
    text = raw if type(raw) is str else bytes(raw).decode("utf-8", "replace")  # type: ignore[arg-type]
    return text.replace("\0", "") if "\0" in text else text


def _refuse(datatype: DataType, field: str) -> MalformedPayload:
    return MalformedPayload(f"A value of type {datatype.name} is in the field '{field}'")


def _signed(datatype: DataType, bits: int) -> Read:
    low, high, span = -(1 << bits - 1), (1 << bits - 1) - 1, 1 << bits

    def read(message: Any, field: str) -> int:  # noqa: ANN401
        if field == "int_value":
            raw, width = message.int_value, 1 << 32
        elif field == "long_value":
            raw, width = message.long_value, 1 << 64
        else:
            raise _refuse(datatype, field)
        if raw <= high:
            return int(raw)
        # Some write the two's complement of the type, others that of the whole field.
        number = int(raw - (span if raw < span else width))
        if not low <= number <= high:
            raise MalformedPayload(f"{raw} does not fit the type {datatype.name}")
        return number

    return read


def _unsigned(datatype: DataType, bits: int) -> Read:
    span = 1 << bits

    def read(message: Any, field: str) -> int | str:  # noqa: ANN401
        if field == "int_value":
            raw = int(message.int_value)
        elif field == "long_value":
            raw = int(message.long_value)
        else:
            raise _refuse(datatype, field)
        if raw >= span:
            raise MalformedPayload(f"{raw} does not fit the type {datatype.name}")
        return raw if raw <= INT64_MAX else str(raw)

    return read


def _floating(datatype: DataType) -> Read:
    def read(message: Any, field: str) -> float | None:  # noqa: ANN401
        if field == "double_value":
            return _finite(message.double_value)
        if field == "float_value":
            return _finite(message.float_value)
        raise _refuse(datatype, field)

    return read


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _boolean(message: Any, field: str) -> bool:  # noqa: ANN401
    if field != "boolean_value":
        raise _refuse(DataType.Boolean, field)
    return bool(message.boolean_value)


def _text(datatype: DataType) -> Read:
    def read(message: Any, field: str) -> str:  # noqa: ANN401
        if field != "string_value":
            raise _refuse(datatype, field)
        return text_of(message.string_value)

    return read


def _blob(datatype: DataType) -> Read:
    def read(message: Any, field: str) -> list[int]:  # noqa: ANN401
        if field != "bytes_value":
            raise _refuse(datatype, field)
        return memoryview(message.bytes_value).cast("b").tolist()

    return read


def _array(datatype: DataType) -> Read:
    def read(message: Any, field: str) -> list[Any]:  # noqa: ANN401
        if field != "bytes_value":
            raise _refuse(datatype, field)
        return [_element(value) for value in arrays.unpack(datatype, message.bytes_value)]

    return read


def _element(value: Any) -> Any:  # noqa: ANN401 - of an array
    if type(value) is float:
        return _finite(value)
    return str(value) if type(value) is int and value > INT64_MAX else value


def _data_set(message: Any, field: str) -> dict[str, Any]:  # noqa: ANN401
    if field != "dataset_value":
        raise _refuse(DataType.DataSet, field)
    data = message.dataset_value
    types = list(data.types)
    if len(types) != len(data.columns) or not SIMPLE_TYPES.issuperset(types):
        raise MalformedPayload("A DataSet needs a simple type for each of its columns")
    rows = []
    for row in data.rows:
        if len(row.elements) != len(types):
            msg = f"A row of a DataSet has {len(row.elements)} elements, for {len(types)} columns"
            raise MalformedPayload(msg)
        rows.append([read_value(e, t) for e, t in zip(row.elements, types, strict=True)])
    columns = [text_of(column) for column in data.columns]
    return {"columns": columns, "types": [DataType(t).name for t in types], "rows": rows}


def _template(message: Any, field: str) -> dict[str, Any]:  # noqa: ANN401
    if field != "template_value":
        raise _refuse(DataType.Template, field)
    template = message.template_value
    found: dict[str, Any] = {"isDefinition": bool(template.is_definition)}
    if template.HasField("template_ref"):
        found["templateRef"] = text_of(template.template_ref)
    if template.HasField("version"):
        found["version"] = text_of(template.version)
    found["parameters"] = [_part(each, each.type) for each in template.parameters]
    found["metrics"] = [_part(each, each.datatype) for each in template.metrics]
    return found


def _part(message: Any, datatype: int) -> dict[str, Any]:  # noqa: ANN401
    """Return a parameter or a metric of a template."""
    name = DataType(datatype).name if datatype in _READERS else str(datatype)
    value = read_value(message, datatype)
    return {"name": text_of(message.name), "type": name, "value": value}


_READERS: dict[int, Read] = {
    **{kind: _signed(kind, bits) for kind, bits in SIGNED_BITS.items()},
    **{kind: _unsigned(kind, bits) for kind, bits in UNSIGNED_BITS.items()},
    DataType.Float: _floating(DataType.Float),
    DataType.Double: _floating(DataType.Double),
    DataType.Boolean: _boolean,
    **{kind: _text(kind) for kind in TEXTS},
}
SIMPLE_TYPES = frozenset(_READERS)
"""Types of one value, which elements of a data set and parameters may have."""
_READERS |= {
    **{kind: _blob(kind) for kind in BLOBS},
    **{kind: _array(kind) for kind in (*ELEMENTS, DataType.BooleanArray, DataType.StringArray)},
    DataType.DataSet: _data_set,
    DataType.Template: _template,
}
