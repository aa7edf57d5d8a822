"""Which numbers of the parts ``/metrics`` shows; they are read when somebody asks."""

from dataclasses import dataclass
from functools import partial

from fieldline.api.health import Metrics, Reading
from fieldline.api.websocket.parts import Parts as SocketParts
from fieldline.domains.event.writer import EventWriter
from fieldline.domains.outbox.delivery import Outbox
from fieldline.ingest.door import Door
from fieldline.rest.services import Services
from fieldline.rules.engine import RuleEngine
from fieldline.timeseries.writer import TimeseriesWriter
from fieldline.transports.mqtt.transport import MqttTransport


@dataclass(frozen=True, slots=True)
class MeasuredParts:
    """The parts that count something."""

    services: Services
    engine: RuleEngine
    mqtt: MqttTransport | None
    sockets: SocketParts
    events: EventWriter
    outbox: Outbox
    door: Door


def measure(parts: MeasuredParts) -> Metrics:
    """Return the metrics with a reading for each counter of the parts."""
    metrics, door, engine = Metrics(), parts.door, parts.engine
    if parts.mqtt is not None:
        metrics.add(*_mqtt(parts.mqtt))
    if isinstance(parts.services.writer, TimeseriesWriter):
        metrics.add(*_writer(parts.services.writer))
    metrics.add(*_events(parts.events))
    metrics.add(
        Reading(
            "fieldline_rules_waiting_messages",
            "Messages that wait for a chain or a node.",
            lambda: engine.waiting,
        ),
        Reading(
            "fieldline_rules_unconnected_failures",
            "Branches that ended in an unconnected Failure.",
            lambda: engine.failures.count,
            is_counter=True,
        ),
        Reading(
            "fieldline_outbox_open_messages",
            "Messages of the outbox that the rules have not finished with.",
            lambda: parts.outbox.open,
        ),
        Reading(
            "fieldline_ingest_rate_limited_messages",
            "Messages of devices refused by a limit of their tenant's profile.",
            lambda: door.rates.refused,
            is_counter=True,
        ),
        Reading(
            "fieldline_ingest_failed_logins",
            "Log-ins and provision requests of devices with wrong credentials.",
            lambda: door.guard.failed,
            is_counter=True,
        ),
        Reading(
            "fieldline_ingest_blocked_logins",
            "Log-ins and provision requests refused because too many wrong ones had come.",
            lambda: door.guard.refused,
            is_counter=True,
        ),
        Reading(
            "fieldline_rpc_open_commands",
            "Commands to devices that are on their way.",
            lambda: door.open_commands,
        ),
        Reading(
            "fieldline_websocket_sessions",
            "Open WebSocket sessions.",
            lambda: len(parts.sockets.sockets),
        ),
    )
    return metrics


def _mqtt(mqtt: MqttTransport) -> list[Reading]:
    connections = Reading(
        "fieldline_mqtt_connections", "Open MQTT connections.", lambda: mqtt.connections
    )
    counters = {
        "connects_accepted": "MQTT sessions opened.",
        "connects_refused": "MQTT sessions refused.",
        "publishes_received": "MQTT publishes received.",
        "publishes_acknowledged": "MQTT publishes acknowledged.",
        "publishes_failed": "MQTT publishes answered with an error or a close.",
        "wills_said": "MQTT wills handed to the rules.",
        "wills_refused": "MQTT wills that were refused; the log of level DEBUG says why.",
        "protocol_errors": "MQTT connections that broke the protocol.",
        "bytes_received": "Bytes read from MQTT connections.",
    }
    return [connections, *_counters("fieldline_mqtt", mqtt.stats, counters)]


def _writer(writer: TimeseriesWriter) -> list[Reading]:
    counters = {
        "rows": "Rows of readings and attributes committed.",
        "commits": "Batches committed.",
        "retries": "Batches tried again because the store was away.",
        "refused_saves": "Saves that the store refused for their content.",
    }
    return _counters("fieldline_store", writer.counts, counters)


def _events(events: EventWriter) -> list[Reading]:
    counters = {
        "stored": "Debug and life cycle events of rules committed.",
        "dropped": "Events dropped because the store was too slow.",
        "over_quota": "Debug events not recorded because their tenant was over its quota.",
    }
    return _counters("fieldline_events", events.counts, counters)


def _counters(prefix: str, counts: object, described: dict[str, str]) -> list[Reading]:
    """Return a counter for each named number of an object of counts."""
    return [
        Reading(f"{prefix}_{name}", description, partial(getattr, counts, name), is_counter=True)
        for name, description in described.items()
    ]
