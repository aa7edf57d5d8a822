"""Texts with parts of a message in them: ``${key}`` of metadata, ``$[path.to.key]`` of data."""

import re
from typing import Any

from fieldline.kit.json import dumps_text
from fieldline.messaging.message import Message

_METADATA = re.compile(r"\$\{([^{}]*)\}")
_DATA = re.compile(r"\$\[([^\[\]]*)\]")
_ALL = "*"


def fill(pattern: str, message: Message) -> str:
    """Put parts of a message into a pattern; what the message does not have is left as it is.

    ``${*}`` is all of the metadata and ``$[*]`` all of the data, as JSON. Only texts, numbers and
    booleans of an object can be put in.
    """
    if "$" not in pattern:
        return pattern
    text = _METADATA.sub(lambda match: _of_metadata(match, message), pattern)
    return _DATA.sub(lambda match: _of_data(match, message.data), text)


def _of_metadata(match: re.Match[str], message: Message) -> str:
    key = match.group(1)
    if key == _ALL:
        return dumps_text(message.metadata)
    return message.metadata.get(key, match.group(0))


def _of_data(match: re.Match[str], data: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    path = match.group(1)
    if path == _ALL:
        return dumps_text(data)
    value = data
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return match.group(0)
        value = value[key]
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return match.group(0)
    return dumps_text(value)
