"""Topic names and topic filters. Source: OASIS MQTT 5.0 section 4.7."""

from fieldline.protocols.mqtt.errors import RemoteProtocolError


def check_topic_name(topic: str) -> None:
    """Refuse a topic name that a PUBLISH may not carry."""
    if "+" in topic or "#" in topic:
        raise RemoteProtocolError("a topic name holds a wildcard; only topic filters may")


def check_topic_filter(topic_filter: str) -> None:
    """Refuse a filter that is empty or has a wildcard that is not a whole level."""
    if not topic_filter:
        raise RemoteProtocolError("a topic filter is empty")
    if "+" not in topic_filter and "#" not in topic_filter:
        return
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            raise RemoteProtocolError("'#' must be the whole last level of a topic filter")
        if "+" in level and level != "+":
            raise RemoteProtocolError("'+' must be a whole level of a topic filter")


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether a filter takes in a topic name; ``#`` also takes in its parent level."""
    if "+" not in topic_filter and "#" not in topic_filter:
        return topic_filter == topic
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted = topic_filter.split("/")
    levels = topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    if len(wanted) != len(levels):
        return False
    return all(want in {"+", level} for want, level in zip(wanted, levels, strict=True))
