"""Sparkplug's topics. Source: Eclipse Sparkplug 3.0.0, chapter 4."""

from enum import StrEnum
from typing import NamedTuple

NAMESPACE = "spBv1.0/"
CERTIFICATES = "$sparkplug/certificates/"
"""What stands before a birth or death that a Sparkplug aware server hands out again."""
STATE = f"{NAMESPACE}STATE/"


class MessageType(StrEnum):
    """What a message is: N of an edge node, D of a device."""

    NBIRTH = "NBIRTH"
    NDATA = "NDATA"
    NDEATH = "NDEATH"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDATA = "DDATA"
    DDEATH = "DDEATH"
    DCMD = "DCMD"


class Topic(NamedTuple):
    """``device`` is "" in the messages of an edge node."""

    group: str
    type: MessageType
    node: str
    device: str = ""

    def __str__(self) -> str:
        device = f"/{self.device}" if self.device else ""
        return f"{NAMESPACE}{self.group}/{self.type}/{self.node}{device}"


def parse_topic(text: str) -> Topic | None:
    """Read a topic of an edge node or a device; None: it is none of them."""
    levels = text.removeprefix(CERTIFICATES).split("/")
    if f"{levels[0]}/" != NAMESPACE or not all(levels):
        return None
    try:
        kind = MessageType(levels[2])
    except (ValueError, IndexError):
        return None
    if len(levels) != (5 if kind.startswith("D") else 4):
        return None
    return Topic(levels[1], kind, *levels[3:])
