"""What a sub-device is to be that is not there yet."""

from typing import NamedTuple


class SubDeviceKind(NamedTuple):
    """A device that a gateway speaks for.

    Attributes:
        type: the profile of one that is made.
        label: of one that is made. A device that was made for the gateway and still has this as
            its name is taken, and named anew.
    """

    type: str
    label: str | None = None
