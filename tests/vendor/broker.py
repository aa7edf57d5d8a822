"""The devices that speak through a broker, and how the gateway reads them."""

import json
from collections import defaultdict
from queue import SimpleQueue
from threading import Event
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.vendor.waits import within

HEARD_S = 20.0


class Meters:
    """The devices on the broker: what they say, and what they are told on ``to/...``."""

    def __init__(self, port: int) -> None:
        self._told: defaultdict[str, SimpleQueue[str]] = defaultdict(SimpleQueue)
        self._is_listening = Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._is_listening.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe("to/#", 1)
        assert self._is_listening.wait(HEARD_S)

    def say(self, topic: str, body: object) -> None:
        """Publish; returns when the broker has it."""
        self._client.publish(topic, json.dumps(body), 1).wait_for_publish(HEARD_S)

    def told(self, topic: str, timeout_s: float = HEARD_S) -> Any:
        """Return the next thing that a device was told, None if nothing came in time."""
        queue = self._told[topic]
        return json.loads(within(timeout_s, lambda: not queue.empty()) and queue.get())

    def has_been_told(self, topic: str) -> bool:
        """Whether there is something that ``told`` would return at once."""
        return not self._told[topic].empty()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._told[message.topic].put(message.payload.decode())


def connector(port: int) -> dict[str, Any]:
    """Configure the gateway's MQTT connector: what its devices say is on ``meters/<name>...``."""

    def named(pattern: str) -> dict[str, str]:
        return {
            "deviceNameExpressionSource": "topic",
            "deviceNameExpression": pattern,
            "deviceProfileExpressionSource": "constant",
            "deviceProfileExpression": "meter",
        }

    return {
        "broker": {
            "host": "127.0.0.1",
            "port": port,
            "clientId": "gateway",
            "version": 5,
            "security": {"type": "anonymous"},
        },
        "mapping": [
            {
                "topicFilter": "meters/+",
                "subscriptionQos": 1,
                "converter": {
                    "type": "json",
                    "deviceInfo": named("(?<=meters/)(.*)"),
                    "sendDataOnlyOnChange": False,
                    "timeout": 60000,
                    "attributes": [{"type": "string", "key": "serial", "value": "${serial}"}],
                    # At what the message says as `ts`.
                    "timeseries": [{"type": "integer", "key": "n", "value": "${n}"}],
                },
            }
        ],
        "requestsMapping": {
            "connectRequests": [
                {
                    "topicFilter": "meters/+/connect",
                    "deviceInfo": named("(?<=meters/)(.*?)(?=/connect)"),
                }
            ],
            "disconnectRequests": [
                {
                    "topicFilter": "meters/+/disconnect",
                    "deviceInfo": named("(?<=meters/)(.*?)(?=/disconnect)"),
                }
            ],
            "attributeRequests": [
                {
                    "topicFilter": "meters/+/ask",
                    "deviceInfo": named("(?<=meters/)(.*?)(?=/ask)"),
                    "attributeNameExpressionSource": "message",
                    "attributeNameExpression": "${name}",
                    "topicExpression": "to/${deviceName}/answer",
                    "valueExpression": "${attributeValue}",
                }
            ],
            "attributeUpdates": [
                {
                    "deviceNameFilter": ".*",
                    "attributeFilter": "limit",
                    "topicExpression": "to/${deviceName}/${attributeKey}",
                    "valueExpression": "${attributeValue}",
                }
            ],
            "serverSideRpc": [
                {
                    "type": "oneWay",
                    "deviceNameFilter": ".*",
                    "methodFilter": "open",
                    "requestTopicExpression": "to/${deviceName}/${methodName}",
                    "valueExpression": "${params}",
                },
                {
                    "type": "twoWay",
                    "deviceNameFilter": ".*",
                    "methodFilter": "count",
                    "requestTopicExpression": "to/${deviceName}/${methodName}",
                    "responseTopicExpression": "meters/${deviceName}/count/answer",
                    "responseTopicQoS": 1,
                    "responseTimeout": 20000,
                    "valueExpression": "${params}",
                },
            ],
        },
    }
