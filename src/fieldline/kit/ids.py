"""Ids of entities: time-ordered UUIDs, the reserved null id, and references with a type.

New ids are UUID version 7 (RFC 9562 section 5.7), so that the order of ids is the order of creation
and index pages fill up one after the other.
"""

import os
import time
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from fieldline.kit.errors import Invalid

NULL_UUID = UUID("13814000-1dd2-11b2-8080-808080808080")
"""The zero instant of UUID version 1: id of the system tenant, and of "no customer", on
ThingsBoard's wire. Inside Fieldline "none" is ``None``; only ThingsBoard's dialect writes this."""


class EntityType(StrEnum):
    """Kinds of entity, by the names of ThingsBoard's wire."""

    TENANT = "TENANT"
    TENANT_PROFILE = "TENANT_PROFILE"
    CUSTOMER = "CUSTOMER"
    USER = "USER"
    DASHBOARD = "DASHBOARD"
    ASSET = "ASSET"
    ASSET_PROFILE = "ASSET_PROFILE"
    DEVICE = "DEVICE"
    DEVICE_PROFILE = "DEVICE_PROFILE"
    ENTITY_VIEW = "ENTITY_VIEW"
    ALARM = "ALARM"
    RULE_CHAIN = "RULE_CHAIN"
    RULE_NODE = "RULE_NODE"
    CALCULATED_FIELD = "CALCULATED_FIELD"
    API_USAGE_STATE = "API_USAGE_STATE"
    WIDGETS_BUNDLE = "WIDGETS_BUNDLE"
    WIDGET_TYPE = "WIDGET_TYPE"
    TB_RESOURCE = "TB_RESOURCE"
    OTA_PACKAGE = "OTA_PACKAGE"
    EDGE = "EDGE"
    RPC = "RPC"
    QUEUE = "QUEUE"
    INTEGRATION = "INTEGRATION"


class EntityRef(NamedTuple):
    """A reference to any entity."""

    type: EntityType
    id: UUID


def new_id() -> UUID:
    """Make a new time-ordered id (UUID version 7)."""
    ms = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (ms & 0xFFFF_FFFF_FFFF) << 80 | tail & 0x0FFF_3FFF_FFFF_FFFF_FFFF
    return UUID(int=value | 0x7000_8000_0000_0000_0000)


def parse_id(text: str) -> UUID:
    """Read an id from its usual text form.

    Raises:
        Invalid: the text is not a UUID.
    """
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError) as error:
        msg = f"'{text}' is not a UUID; expected a form like 784f394c-42b6-435a-983c-b7beff2784f9"
        raise Invalid(msg) from error


def parse_ref(entity_type: str, entity_id: str) -> EntityRef:
    """Read a reference from its two texts, the type in any case.

    Raises:
        Invalid: there is no such type, or the id is no UUID.
    """
    try:
        kind = EntityType(entity_type.upper())
    except ValueError as error:
        msg = f"'{entity_type}' is not an entity type; expected a name like DEVICE"
        raise Invalid(msg) from error
    return EntityRef(kind, parse_id(entity_id))
