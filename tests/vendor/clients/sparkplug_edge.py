"""An edge node by pysparkplug: says what it is told on stdin, and prints what it hears.

Each line is one JSON object. In: ``{"say": "DDATA", "device": "D", "metrics": [...], "lost": 0}``,
each metric with ``name``, ``type``, ``value`` and what else it has; ``lost``: how many messages
before this one have a number and are never sent. ``{"leave": true}`` ends it. Out: that it is
connected, and commands.
"""

import datetime as dt
import json
import sys

from pysparkplug import (
    Client,
    ClientOptions,
    DataType,
    DBirth,
    DData,
    DDeath,
    Message,
    MessageType,
    Metric,
    NBirth,
    NData,
    NDeath,
    QoS,
    Topic,
    get_current_timestamp,
)

GROUP, NODE = "Plant 1", "Linie 2 ü"
KINDS = {"NBIRTH": NBirth, "NDATA": NData, "DBIRTH": DBirth, "DDATA": DData}
port, token = int(sys.argv[1]), sys.argv[2]
client = Client(
    client_id=token,
    username=token,
    client_options=ClientOptions(reconnection_delay_min=1, reconnection_delay_max=1),
)
bd_seq = Metric(get_current_timestamp(), "bdSeq", DataType.INT64, value=0)


def tell(**fields):
    print(json.dumps(fields), flush=True)


def topic(kind, device=None):
    return Topic(
        group_id=GROUP, message_type=MessageType(kind), edge_node_id=NODE, device_id=device
    )


def value_of(kind, value):
    if kind in {DataType.BYTES, DataType.FILE}:
        return bytes(value)
    if kind == DataType.DATETIME:
        return dt.datetime.fromtimestamp(value / 1000, dt.UTC)
    if kind == DataType.DATETIME_ARRAY:
        return tuple(value_of(DataType.DATETIME, each) for each in value)
    return tuple(value) if isinstance(value, list) else value


def metric_of(given):
    kind = DataType[given["type"]]
    value = given.get("value")
    return Metric(
        timestamp=given.get("ts"),
        name=given.get("name"),
        datatype=kind,
        value=None if value is None else value_of(kind, value),
        alias=given.get("alias"),
        is_historical=given.get("historical", False),
        is_null=value is None,
    )


def say(kind, device, seq, metrics):
    metrics = tuple(metric_of(each) for each in metrics)
    if kind == "NBIRTH":
        metrics = (*metrics, bd_seq)
    now = get_current_timestamp()
    payload = DDeath(now, seq) if kind == "DDEATH" else KINDS[kind](now, seq, metrics)
    client.publish(Message(topic(kind, device), payload, QoS.AT_MOST_ONCE, retain=False))


def on_command(_client, message):
    tell(
        heard=str(message.topic.message_type),
        device=message.topic.device_id,
        metrics=[[each.name, each.datatype.name, each.value] for each in message.payload.metrics],
    )


client.subscribe(topic("NCMD"), QoS.AT_LEAST_ONCE, on_command)
client.subscribe(topic("DCMD", "+"), QoS.AT_LEAST_ONCE, on_command)
death = NDeath(get_current_timestamp(), bd_seq)
client.set_will(Message(topic("NDEATH"), death, QoS.AT_LEAST_ONCE, retain=False))
client.connect("127.0.0.1", port=port, callback=lambda _client: tell(connected=True))
seq = 0
for line in sys.stdin:
    step = json.loads(line)
    if "leave" in step:
        break
    seq = 0 if step["say"] == "NBIRTH" else (seq + 1 + step["lost"]) % 256
    say(step["say"], step["device"], seq, step["metrics"])
client.disconnect()
