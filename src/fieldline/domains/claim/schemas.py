"""Claiming on ThingsBoard's wire."""

from enum import StrEnum

from fieldline.domains.device.schemas import Device
from fieldline.rest.wire import TbModel


class ClaimRequest(TbModel):
    """The key that the device was given; none is the empty one."""

    secret_key: str | None = None


class ClaimResponse(StrEnum):
    """How an attempt ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CLAIMED = "CLAIMED"


class ClaimResult(TbModel):
    """What a user gets who claimed a device."""

    device: Device
    response: ClaimResponse
