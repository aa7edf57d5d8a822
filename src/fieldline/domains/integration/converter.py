"""Turns a message of a broker into readings of devices.

Missing fields are left out, and a missing time is now; a message without a device's name, or with
nothing in it that could be stored, is an error.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from fieldline.domains.integration.configuration import ConverterConfiguration, Source, Values
from fieldline.domains.integration.errors import ConversionFailed, InvalidIntegration
from fieldline.domains.integration.json_path import Path, Steps
from fieldline.kit.errors import Invalid
from fieldline.kit.telemetry_json import decode_to_query
from fieldline.kit.text import check_text_once

MAX_PAYLOAD_BYTES = 262_144
"""Of a message; what is larger would stop everybody else for too long."""
MAX_VALUES = 20_000
"""Values of all readings of one message."""
MAX_MS = 253_402_300_799_999
"""The end of the year 9999."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MISSING = object()
_NUMBER = re.compile(r"[0-9]{1,19}(?:\.[0-9]{0,30})?")
_PER_MS = {"s": 0.001, "ms": 1, "us": 1_000, "ns": 1_000_000}
_LARGEST = {"s": 10**11, "ms": 10**14, "us": 10**17}
"""Below which number ``auto`` takes which unit: seconds until the year 5138."""

Read = Callable[["_Item"], Any]
ReadValues = Callable[["_Item"], dict[str, Any]]


class Uplink(NamedTuple):
    """What one item of a message says of a device; values are as JSON has them."""

    device_name: str
    device_type: str
    ts_ms: int
    telemetry: dict[str, Any]
    attributes: dict[str, Any]


class _Item(NamedTuple):
    item: Any
    message: Any
    levels: list[str]


class Converter:
    """See the module's text.

    Raises:
        InvalidIntegration: an expression is none.
    """

    def __init__(self, configuration: ConverterConfiguration) -> None:
        self._is_text = configuration.payload == "text"
        self._items = None if configuration.items is None else Path(configuration.items)
        self._name = _only(_reader(configuration.device_name), "device_name")
        self._type = _only(_reader(configuration.device_type), "device_type")
        time = configuration.timestamp
        self._time = None if time is None else _only(_reader(time), "timestamp")
        self._time_format = configuration.timestamp_format
        self._telemetry = _values_reader(configuration.telemetry, "telemetry")
        self._attributes = _values_reader(configuration.attributes, "attributes")

    def convert(self, topic: str, payload: bytes, now_ms: int) -> list[Uplink]:
        """Return what a message says; ``now_ms`` is the time of readings that carry none.

        Raises:
            ConversionFailed: it cannot be converted; the text says why.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            msg = f"The payload has {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are taken"
            raise ConversionFailed(msg)
        Steps.refill()
        message = self._decode(payload)
        levels = topic.split("/")
        found: list[Uplink] = []
        values = 0
        for each in self._split(message):
            uplink = self._uplink(_Item(each, message, levels), now_ms)
            if uplink is None:
                continue
            values += len(uplink.telemetry) + len(uplink.attributes)
            if values > MAX_VALUES:
                msg = f"The message holds more than {MAX_VALUES} values"
                raise ConversionFailed(msg)
            found.append(uplink)
        if not found:
            raise ConversionFailed(
                "Nothing in the message is telemetry or an attribute: the converter's expressions "
                "find no value"
            )
        return found

    def _decode(self, payload: bytes) -> Any:  # noqa: ANN401 - JSON is any of its types
        if self._is_text:
            # PostgreSQL has no place for U+0000; in JSON it is dropped likewise.
            return payload.decode("utf-8", "replace").replace("\0", "")
        return decode_to_query(payload)

    def _split(self, message: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of its types
        if self._items is not None:
            return self._items.find(message)
        return message if isinstance(message, list) else [message]

    def _uplink(self, item: _Item, now_ms: int) -> Uplink | None:
        telemetry, attributes = self._telemetry(item), self._attributes(item)
        if not telemetry and not attributes:
            return None
        name = _text(self._name(item), "device_name")
        if name is None:
            raise ConversionFailed("The message has no device name where device_name looks for it")
        device_type = _text(self._type(item), "device_type") or "default"
        # Here, and not where it is stored: the sender is to be told, and who tries the converter.
        _check_texts("Device name", (name,))
        _check_texts("Device type", (device_type,))
        _check_texts("Key", telemetry)
        _check_texts("Key", attributes)
        return Uplink(name, device_type, self._ts_ms(item, now_ms), telemetry, attributes)

    def _ts_ms(self, item: _Item, now_ms: int) -> int:
        given = _MISSING if self._time is None else self._time(item)
        if given is _MISSING or given is None:
            return now_ms
        return timestamp_ms(given, self._time_format)


def timestamp_ms(value: Any, form: str = "auto") -> int:  # noqa: ANN401 - JSON is any of its types
    """Read a time in ms since 1970 UTC.

    Args:
        value: a number, or a text that is one or an ISO 8601 time; one without a zone is UTC.
        form: ``s``, ``ms``, ``us``, ``ns``, ``iso8601``, or ``auto``: by the size of the number.

    Raises:
        ConversionFailed: it is none.
    """
    if form != "iso8601":
        number = _number(value)
        if number is not None:
            unit = _unit(number) if form == "auto" else form
            # Whole numbers are divided as such: a double has not the digits of nanoseconds.
            scale = _PER_MS[unit]
            ms = number // scale if isinstance(number, int) and scale >= 1 else number / scale
            if 0 <= ms <= MAX_MS:
                return round(ms)
    if form in {"iso8601", "auto"} and isinstance(value, str):
        try:
            time = datetime.fromisoformat(value.strip())
        except ValueError:
            time = None
        if time is not None:
            if time.tzinfo is None:
                time = time.replace(tzinfo=UTC)
            ms = (time - _EPOCH) // timedelta(milliseconds=1)
            if 0 <= ms <= MAX_MS:
                return ms
    expected = {
        "auto": "a number of seconds or milliseconds since 1970, or an ISO 8601 text",
        "iso8601": "an ISO 8601 text as 2026-01-31T12:00:00Z",
    }.get(form, f"a number of {form} since 1970")
    msg = f"The timestamp is not {expected}"
    raise ConversionFailed(msg)


def _unit(number: float) -> str:
    return next((unit for unit, largest in _LARGEST.items() if abs(number) < largest), "ns")


def _number(value: Any) -> int | float | None:  # noqa: ANN401
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else None


def _text(value: Any, what: str) -> str | None:  # noqa: ANN401
    """Return a name; None when there is none."""
    if value is _MISSING or value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        msg = f"{what} must be a text or a number, not an object, an array, true or false"
        raise ConversionFailed(msg)
    return str(value).strip() or None


def _reader(source: Source) -> Read:
    """Return what finds a value, or _MISSING."""
    if source.constant is not None:
        constant = source.constant
        return lambda _item: constant
    if source.topic_level is not None:
        return _level_reader(source.topic_level)
    path, is_message = Path(source.json_path or ""), source.of == "message"

    def read(item: _Item) -> Any:  # noqa: ANN401
        found = path.find(item.message if is_message else item.item)
        if not found:
            return _MISSING
        # What may find several finds an array of them.
        return found[0] if path.is_singular else found

    return read


def _only(read: Read, what: str) -> Read:
    """Return what finds one value, also by an expression that may find several."""

    def read_one(item: _Item) -> Any:  # noqa: ANN401
        value = read(item)
        if not isinstance(value, list):
            return value
        if len(value) != 1:
            msg = f"{what} finds {len(value)} values; there must be one"
            raise ConversionFailed(msg)
        return value[0]

    return read_one


def _level_reader(level: int) -> Read:
    def read(item: _Item) -> Any:  # noqa: ANN401
        try:
            return item.levels[level]
        except IndexError:
            msg = f"The topic has {len(item.levels)} levels, and none of number {level}"
            raise ConversionFailed(msg) from None

    return read


def _values_reader(values: Values | None, what: str) -> ReadValues:
    if values is None:
        return lambda _item: {}
    if isinstance(values, str):
        return _object_reader(Path(values), what)
    pairs: list[tuple[Read, Read]]
    if isinstance(values, Mapping):
        _check_keys(values, what)
        pairs = [(_constant(key), _reader(source)) for key, source in values.items()]
    else:
        pairs = [(_reader(each.key), _reader(each.value)) for each in values]

    def read(item: _Item) -> dict[str, Any]:
        return dict(_present(pairs, item, what))

    return read


def _present(pairs: list[tuple[Read, Read]], item: _Item, what: str) -> Iterator[tuple[str, Any]]:
    for read_key, read_value in pairs:
        value = read_value(item)
        if value is _MISSING or value is None:
            continue
        key = _text(read_key(item), f"A key of {what}")
        if key is not None:
            yield key, value


def _object_reader(path: Path, what: str) -> ReadValues:
    def read(item: _Item) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for found in path.find(item.item):
            if not isinstance(found, dict):
                msg = f"{what}: '{path.text}' must find an object, whose members are the values"
                raise ConversionFailed(msg)
            values.update((key, value) for key, value in found.items() if value is not None)
        return values

    return read


def _check_keys(keys: Iterable[str], what: str) -> None:
    try:
        _check_texts("Key", keys)
    except ConversionFailed as error:
        msg = f"{what}: {error.message}"
        raise InvalidIntegration(msg) from None


def _check_texts(what: str, texts: Iterable[str]) -> None:
    for text in texts:
        try:
            check_text_once(what, text)
        except Invalid as error:
            msg = f"'{text[:100]}' cannot be used: {error.message}"
            raise ConversionFailed(msg) from None


def _constant(value: str) -> Read:
    return lambda _item: value
