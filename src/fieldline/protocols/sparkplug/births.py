"""Births and data: what the metrics of a message are, by name, by alias, or by themselves.

Source: Eclipse Sparkplug 3.0.0, sections 6.4.6 (aliases) and 6.4.7 to 6.4.14 (metrics).
"""

from typing import Any, NamedTuple

from fieldline.kit.errors import Invalid
from fieldline.kit.text import MAX_LENGTH, check_text_once
from fieldline.kit.values import INT64_MAX
from fieldline.protocols.sparkplug.errors import MalformedPayload
from fieldline.protocols.sparkplug.values import read_value, text_of

_LONGEST = MAX_LENGTH + 1
"""Characters that are kept of a name: enough to know that it is too long."""


class Sample(NamedTuple):
    """A metric's value; ``ts_ms`` is None where the message names no time."""

    name: str
    ts_ms: int | None
    value: Any
    is_historical: bool


class Birth:
    """The metrics that an edge node or a device was born with.

    The name of an alias is "" where several metrics have it: the standard forbids that, but some
    give all of theirs the alias 0, and say names in their data.
    """

    __slots__ = ("aliases", "names", "types")

    def __init__(self) -> None:
        self.types: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.aliases: dict[str, int] = {}

    @property
    def cost(self) -> int:
        """How many metrics it counts as; even one without metrics is one."""
        return 1 + len(self.types)

    def add(self, name: str, metric: Any) -> None:  # noqa: ANN401
        """Note a metric."""
        self.types[name] = metric.datatype
        if metric.HasField("alias"):
            alias = metric.alias
            former = self.names.setdefault(alias, name)
            if former == name:
                self.aliases[name] = alias
            else:
                self.names[alias] = ""
                self.aliases.pop(former, None)


def read_birth(message: Any) -> tuple[Birth, list[Sample]]:  # noqa: ANN401 - the runtime's class
    """Return what was born, and its values.

    Raises:
        MalformedPayload: a metric has no name or type, or a value that is not of its type.
    """
    birth, samples = Birth(), []
    default_ts = _time(message)
    for metric in message.metrics:
        name = text_of(metric.name)[:_LONGEST]
        if not name or not metric.datatype:
            raise MalformedPayload("Each metric of a birth needs a name and a datatype")
        birth.add(name, metric)
        sample = _sample(metric, name, metric.datatype, default_ts)
        if sample is not None:
            samples.append(sample)
    return birth, samples


def read_data(message: Any, birth: Birth | None) -> tuple[list[Sample], bool]:  # noqa: ANN401
    """Return the values of a message, and whether all of its metrics were born.

    Raises:
        MalformedPayload: a value is not of its metric's type.
    """
    samples: list[Sample] = []
    is_whole = birth is not None
    default_ts = _time(message)
    for metric in message.metrics:
        name = text_of(metric.name)[:_LONGEST]
        if not name and birth is not None:
            name = birth.names.get(metric.alias, "") if metric.HasField("alias") else ""
        datatype = birth.types.get(name, 0) if birth is not None else 0
        datatype = datatype or metric.datatype
        if not name or not datatype:
            is_whole = False
            continue
        sample = _sample(metric, name, datatype, default_ts)
        if sample is not None:
            samples.append(sample)
    return samples, is_whole


def _sample(metric: Any, name: str, datatype: int, default_ts: int | None) -> Sample | None:  # noqa: ANN401
    if metric.is_null:
        return None
    try:
        value = read_value(metric, datatype)
        ts_ms = _time(metric)
    except MalformedPayload as error:
        raise MalformedPayload(f"Metric '{name[:255]}': {error.message}") from None
    if value is None:
        return None
    return Sample(name, default_ts if ts_ms is None else ts_ms, value, metric.is_historical)


def storable(samples: list[Sample]) -> tuple[list[Sample], int]:
    """Return those whose names are keys, and how many are not.

    One such name would take the other values of its time with it: they are stored as one.
    """
    found = [each for each in samples if _is_key(each.name)]
    return found, len(samples) - len(found)


def _is_key(name: str) -> bool:
    try:
        check_text_once("Key", name)
    except Invalid:
        return False
    return True


def _time(message: Any) -> int | None:  # noqa: ANN401
    """Return the time of a payload or a metric."""
    ts_ms = int(message.timestamp)
    if ts_ms > INT64_MAX:
        raise MalformedPayload("A timestamp is in milliseconds since 1970 and fits 63 bits")
    return ts_ms or None
