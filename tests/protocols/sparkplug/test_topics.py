"""Sparkplug's topics."""

import pytest

from fieldline.protocols.sparkplug.topics import MessageType, Topic, parse_topic


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("spBv1.0/G/NBIRTH/E", Topic("G", MessageType.NBIRTH, "E")),
        ("spBv1.0/G/DDATA/E/D", Topic("G", MessageType.DDATA, "E", "D")),
        ("$sparkplug/certificates/spBv1.0/G/NBIRTH/E", Topic("G", MessageType.NBIRTH, "E")),
    ],
)
def test_topics_are_read(text: str, topic: Topic) -> None:
    assert parse_topic(text) == topic
    assert str(topic) == text.removeprefix("$sparkplug/certificates/")


@pytest.mark.parametrize(
    "text",
    [
        "spBv1.0",
        "spBv1.0/G/NBIRTH",
        "spBv1.0/G/NBIRTH/E/D",
        "spBv1.0/G/DBIRTH/E",
        "spBv1.0/G/DBIRTH/E/",
        "spBv1.0/G/DBIRTH/E/D/more",
        "spBv1.0//NBIRTH/E",
        "spBv1.0/G/NRECORD/E",
        "spBv1.0/STATE/host",
        "spAv1.0/G/NBIRTH/E",
        "v1/devices/me/telemetry",
    ],
)
def test_others_are_none(text: str) -> None:
    assert parse_topic(text) is None
