"""The messages of a Sparkplug B payload, as classes of the Protobuf runtime.

Source: Eclipse Sparkplug 3.0.0, section 6.4.1 (proto2; fields beyond these are skipped).
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "org.eclipse.tahu.protobuf"
_TYPES = {
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_SIMPLE_VALUES = (
    "uint32 int_value",
    "uint64 long_value",
    "float float_value",
    "double double_value",
    "bool boolean_value",
    "string string_value",
)


def _value(first: int, *more: str) -> dict[int, str]:
    """Number the fields of a ``oneof value``, which hold a value of any type."""
    return dict(enumerate((*_SIMPLE_VALUES, *more), first))


_Fields = Mapping[int, str]
_MESSAGES: dict[str, tuple[_Fields, _Fields]] = {
    # name: (fields by number, those of its oneof "value")
    "Payload": (
        {1: "uint64 timestamp", 2: "*Metric metrics", 3: "uint64 seq", 4: "string uuid"},
        {},
    ),
    "Metric": (
        {
            1: "string name",
            2: "uint64 alias",
            3: "uint64 timestamp",
            4: "uint32 datatype",
            5: "bool is_historical",
            6: "bool is_transient",
            7: "bool is_null",
        },
        _value(10, "bytes bytes_value", "DataSet dataset_value", "Template template_value"),
    ),
    "DataSet": (
        {1: "uint64 num_of_columns", 2: "*string columns", 3: "*uint32 types", 4: "*Row rows"},
        {},
    ),
    "Row": ({1: "*DataSetValue elements"}, {}),
    "DataSetValue": ({}, _value(1)),
    "Template": (
        {
            1: "string version",
            2: "*Metric metrics",
            3: "*Parameter parameters",
            4: "string template_ref",
            5: "bool is_definition",
        },
        {},
    ),
    "Parameter": ({1: "string name", 2: "uint32 type"}, _value(3)),
}


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="sparkplug_b.proto", package=_PACKAGE, syntax="proto2")
    for name, (fields, values) in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, text in fields.items():
            _add(message, number, text)
        if values:
            message.oneof_decl.add(name="value")
        for number, text in values.items():
            _add(message, number, text).oneof_index = 0
    return file


def _add(message: DescriptorProto, number: int, text: str) -> FieldDescriptorProto:
    kind, name = text.split()
    label = FieldDescriptorProto.LABEL_OPTIONAL
    if kind.startswith("*"):
        kind, label = kind[1:], FieldDescriptorProto.LABEL_REPEATED
    field = message.field.add(name=name, number=number, label=label)
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"
    return field


_pool = DescriptorPool()
_pool.AddSerializedFile(_file().SerializeToString())

# The runtime makes the classes, so that no type checker knows their fields.
Payload: Any = GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))
Metric: Any = GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.Metric"))
