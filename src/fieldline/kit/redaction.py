"""Leaves secrets out of what is recorded or passed on."""

import re
from typing import Any

HIDDEN = "***"
_SECRET = re.compile(
    "password|passphrase|secret|token|api.?key|private.?key|provision.?device.?key|credentials.?(id|value)",
    re.IGNORECASE,
)


def without_secrets(value: Any) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Return JSON with each text that stands under the name of a secret replaced."""
    if isinstance(value, dict):
        return {
            key: HIDDEN
            if isinstance(item, str) and item and _SECRET.search(str(key))
            else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value
