"""Whether a CONNECT is that of a Sparkplug edge node, and what it says of it.

Source: Eclipse Sparkplug 3.0.0, sections 5.4 and 6.4.23 (its will, the NDEATH).
"""

from collections.abc import Mapping
from typing import NamedTuple

from fieldline.kit.errors import FieldlineError
from fieldline.protocols.mqtt.packets import Connect, Will
from fieldline.protocols.sparkplug.errors import MalformedPayload
from fieldline.protocols.sparkplug.node import EdgeNode
from fieldline.protocols.sparkplug.topics import MessageType, Topic, parse_topic


class MissingDeath(FieldlineError):
    """An edge node that leaves no NDEATH behind is not let in."""


class Identity(NamedTuple):
    """Who the edge node is: the topic of its death, and what is known of it."""

    death: Topic
    node: EdgeNode


def is_edge_node(configuration: Mapping[str, object]) -> bool:
    """Tell whether devices of a profile with this transport configuration are edge nodes."""
    return configuration.get("type") == "MQTT" and configuration.get("sparkplug") is True


def identify(connect: Connect) -> Identity:
    """Return who an edge node is.

    Raises:
        MissingDeath: its will is no NDEATH, or it wants its session to outlive the connection.
    """
    if not connect.clean_start or connect.properties.get("session_expiry_interval", 0):
        msg = "A Sparkplug edge node connects with a clean session that ends with the connection"
        raise MissingDeath(msg)
    will = connect.will
    death = None if will is None else parse_topic(will.topic)
    if will is None or death is None or death.type is not MessageType.NDEATH:
        msg = "A Sparkplug edge node has a will on the topic spBv1.0/{group}/NDEATH/{edge node}"
        raise MissingDeath(msg)
    return Identity(death, _node(will))


def _node(will: Will) -> EdgeNode:
    if will.qos != 1 or will.retain:
        raise MissingDeath("The will of a Sparkplug edge node has QoS 1 and is not retained")
    try:
        return EdgeNode(will.payload)
    except MalformedPayload as error:
        msg = f"The will of a Sparkplug edge node is no NDEATH: {error.message}"
        raise MissingDeath(msg) from error
