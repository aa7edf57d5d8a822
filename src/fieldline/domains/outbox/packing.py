"""Messages as JSON and back, without what belongs to one run of the process."""

from typing import Any
from uuid import UUID

from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.message import Message


def pack(message: Message) -> dict[str, Any]:
    """Return what :func:`unpack` needs; receipt and executions begin anew."""
    return {
        "type": str(message.type),
        "originator": [message.originator.type.value, str(message.originator.id)],
        "tenant_id": str(message.tenant_id),
        "data": message.data,
        "metadata": message.metadata,
        "ts_ms": message.ts_ms,
        "customer_id": _text(message.customer_id),
        "profile_id": _text(message.profile_id),
        "rule_chain_id": _text(message.rule_chain_id),
    }


def unpack(content: dict[str, Any]) -> Message:
    """Return the message of :func:`pack`."""
    kind, originator_id = content["originator"]
    return Message(
        content["type"],
        EntityRef(EntityType(kind), UUID(originator_id)),
        UUID(content["tenant_id"]),
        content["data"],
        content["metadata"],
        ts_ms=content["ts_ms"],
        customer_id=_id(content["customer_id"]),
        profile_id=_id(content["profile_id"]),
        rule_chain_id=_id(content["rule_chain_id"]),
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
