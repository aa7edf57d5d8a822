"""What is known of one edge node: which metrics were born, and which message is to come next.

Source: Eclipse Sparkplug 3.0.0, sections 6.4.5 (seq), 6.4.6 (aliases) and 5.15 (rebirth).
"""

from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from fieldline.kit.text import MAX_LENGTH
from fieldline.kit.values import INT64_MAX
from fieldline.protocols.sparkplug import schema
from fieldline.protocols.sparkplug.births import Birth, Sample, read_birth, read_data, storable
from fieldline.protocols.sparkplug.datatypes import DataType
from fieldline.protocols.sparkplug.errors import MalformedPayload, NotWritable
from fieldline.protocols.sparkplug.topics import MessageType
from fieldline.protocols.sparkplug.writing import write_value

MAX_METRICS = 20_000
"""Metrics that an edge node and its devices may be born with together: about 300 bytes each, and up
to 1.5 KB with the longest names."""
REBIRTH_EVERY_MS = 10_000
"""An edge node is asked for its births again at most this often."""
REBIRTH = "Node Control/Rebirth"
BD_SEQ = "bdSeq"
SEQS = 256
_COMPRESSED = "SPBV1.0_COMPRESSED"
"""What some put for a payload's uuid when its body is another one, compressed."""
_NODE = ""


class Report(NamedTuple):
    """What a message said.

    Attributes:
        samples: the values that were understood, in their order; those that are null are left out.
        left_out: how many metrics have a name that is no key of readings (``kit.text``).
        numbers: its sequence numbers, by the key they are stored under (``NBIRTH bdSeq``).
        is_whole: false when something of it was not understood, or something before it is missing.
        wants_rebirth: the edge node is to be asked for its births.
    """

    samples: list[Sample]
    numbers: dict[str, int]
    is_whole: bool
    wants_rebirth: bool
    left_out: int = 0


class EdgeNode:
    """One connection's edge node.

    Args:
        death: the payload of its will, an NDEATH.

    Raises:
        MalformedPayload: that is none, or has no bdSeq.
    """

    def __init__(self, death: bytes) -> None:
        bd_seq = _bd_seq(decode(death))
        if bd_seq is None:
            raise MalformedPayload("An NDEATH must hold the metric 'bdSeq', a whole number")
        self.death_seq = bd_seq
        self._birth_seq = bd_seq
        self._births: dict[str, Birth] = {}
        self._known = 0
        self._next_seq: int | None = None
        self._misses_something = False
        self._asked_ms: int | None = None

    def receive(self, kind: MessageType, device: str, data: bytes, now_ms: int) -> Report | None:
        """Take a message in.

        Args:
            kind: of what an edge node says: no command.
            device: its id, "" for the edge node itself.
            data: the payload.
            now_ms: for the pauses between requests for rebirth.

        Returns:
            None: an NDEATH of an earlier life, which means nothing.

        Raises:
            MalformedPayload: it is none, or not of that kind; nothing is changed by it.
        """
        if len(device) > MAX_LENGTH:
            msg = f"A device's id has at most {MAX_LENGTH} characters, not {len(device)}"
            raise MalformedPayload(msg)
        message = decode(data)
        if kind is MessageType.NDEATH:
            return self._die(message)
        seq = _seq(message)
        if kind is MessageType.NBIRTH:
            return self._be_born(message, seq)
        birth, found, is_whole = self._read(kind, device, message)
        if birth is not None:
            self._keep(device, birth)
        elif kind is MessageType.DDEATH:
            self._drop(device)
        is_whole = self._follows(seq) and is_whole
        is_whole = is_whole and _NODE in self._births
        numbers = {} if seq is None else {f"{kind} seq": seq}
        samples, left_out = storable(found)
        wants_rebirth = self._wants_rebirth(is_whole, now_ms)
        return Report(samples, numbers, is_whole, wants_rebirth, left_out)

    def is_born(self, device: str) -> bool:
        """Tell whether a device, or with "" the edge node, is there: born and not dead."""
        return device in self._births

    def command(
        self, device: str, values: dict[str, Any], now_ms: int
    ) -> tuple[bytes, dict[str, str]]:
        """Return the payload that writes metrics, and why some of them cannot be written.

        The payload is empty when none can be.
        """
        message = schema.Payload(timestamp=now_ms)
        refused: dict[str, str] = {}
        for name, value in values.items():
            try:
                message.metrics.append(self._written(device, name, value, now_ms))
            except NotWritable as error:
                refused[name] = error.message
        return (message.SerializeToString() if message.metrics else b""), refused

    def _written(self, device: str, name: str, value: Any, now_ms: int) -> Any:  # noqa: ANN401
        birth = self._births.get(device)
        datatype = None if birth is None else birth.types.get(name)
        if birth is None or datatype is None:
            whose = f"device '{device}'" if device else "edge node"
            raise NotWritable(f"The {whose} was born without a metric '{name[:255]}'")
        metric = schema.Metric(name=name, timestamp=now_ms, datatype=datatype)
        if name in birth.aliases:
            metric.alias = birth.aliases[name]
        if value is None:
            metric.is_null = True
        write_value(metric, datatype, value)
        return metric

    # Births and deaths

    def _be_born(self, message: Any, seq: int | None) -> Report:  # noqa: ANN401
        birth, found = read_birth(message)
        _check_count(birth.cost)
        bd_seq = _bd_seq(message)
        numbers = {} if seq is None else {"NBIRTH seq": seq}
        if bd_seq is not None:
            numbers["NBIRTH bdSeq"] = bd_seq
            self._birth_seq = bd_seq
        # Its devices are to be born after it, also those that were before.
        self._births = {_NODE: birth}
        self._known = birth.cost
        self._next_seq = None if seq is None else (seq + 1) % SEQS
        self._misses_something = False
        samples, left_out = storable([s for s in found if s.name != BD_SEQ])
        return Report(samples, numbers, True, False, left_out)  # noqa: FBT003

    def _die(self, message: Any) -> Report | None:  # noqa: ANN401
        bd_seq = _bd_seq(message)
        if bd_seq is None or bd_seq not in {self.death_seq, self._birth_seq}:
            return None
        self._births.clear()
        self._known = 0
        self._next_seq = None
        return Report([], {"NDEATH bdSeq": bd_seq}, True, False)  # noqa: FBT003

    def _keep(self, device: str, birth: Birth) -> None:
        self._drop(device)
        self._births[device] = birth
        self._known += birth.cost

    def _drop(self, device: str) -> None:
        former = self._births.pop(device, None)
        if former is not None:
            self._known -= former.cost

    # Order

    def _follows(self, seq: int | None) -> bool:
        """Tell whether a message is the one that was to come; one without a number always is."""
        if seq is None:
            return True
        expected, self._next_seq = self._next_seq, (seq + 1) % SEQS
        return expected is None or seq == expected

    def _wants_rebirth(self, is_whole: bool, now_ms: int) -> bool:  # noqa: FBT001
        """Tell whether to ask now; what goes amiss in the pause is asked for after it.

        A birth does not end the pause: an edge node that always counts wrong would be born for each
        of its messages.
        """
        self._misses_something = self._misses_something or not is_whole
        if not self._misses_something:
            return False
        if self._asked_ms is not None and now_ms - self._asked_ms < REBIRTH_EVERY_MS:
            return False
        self._asked_ms = now_ms
        self._misses_something = False
        return True

    # Metrics

    def _read(
        self,
        kind: MessageType,
        device: str,
        message: Any,  # noqa: ANN401
    ) -> tuple[Birth | None, list[Sample], bool]:
        """Return a birth, if it is one, the values, and whether all of them were understood."""
        if kind is MessageType.DBIRTH:
            birth, samples = read_birth(message)
            former = self._births.get(device)
            _check_count(self._known + birth.cost - (former.cost if former else 0))
            return birth, samples, True
        if kind is MessageType.DDEATH:
            return None, [], True
        samples, is_whole = read_data(message, self._births.get(device))
        return None, samples, is_whole


def rebirth(now_ms: int) -> bytes:
    """Return the payload of the NCMD that asks an edge node for its births."""
    payload = schema.Payload(timestamp=now_ms)
    payload.metrics.add(
        name=REBIRTH, timestamp=now_ms, datatype=DataType.Boolean, boolean_value=True
    )
    return bytes(payload.SerializeToString())


def decode(data: bytes) -> Any:  # noqa: ANN401 - the runtime's class
    """Read a payload.

    Raises:
        MalformedPayload: the bytes are none.
    """
    try:
        message = schema.Payload.FromString(data)
    except DecodeError as error:
        raise MalformedPayload(f"The bytes are no Sparkplug B payload: {error}") from None
    if message.uuid == _COMPRESSED:
        raise MalformedPayload("A compressed payload is not understood; send it as it is")
    return message


def _check_count(count: int) -> None:
    if count > MAX_METRICS:
        msg = f"An edge node and its devices may be born with {MAX_METRICS} metrics, not {count}"
        raise MalformedPayload(msg)


def _seq(message: Any) -> int | None:  # noqa: ANN401
    if not message.HasField("seq"):
        return None
    if message.seq >= SEQS:
        raise MalformedPayload(f"A sequence number is from 0 to 255, not {message.seq}")
    return int(message.seq)


def _bd_seq(message: Any) -> int | None:  # noqa: ANN401
    """Return the number that ties a death to its birth."""
    for metric in message.metrics:
        if metric.name == BD_SEQ and metric.WhichOneof("value") in {"long_value", "int_value"}:
            return int(metric.long_value or metric.int_value) & INT64_MAX
    return None
