"""A message on its way through the rules (TbMsg on ThingsBoard's wire)."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from fieldline.kit.ids import EntityRef, new_id
from fieldline.kit.json import dumps_text
from fieldline.messaging.receipt import Receipt, unattended

ROOT_CHAIN = UUID(int=0)
"""As the chain to enter: the root of the tenant, whichever that is when the message gets there."""


class MessageType(StrEnum):
    """Types that the platform itself sends; a rule may make others, any text is a type."""

    POST_TELEMETRY_REQUEST = "POST_TELEMETRY_REQUEST"
    POST_ATTRIBUTES_REQUEST = "POST_ATTRIBUTES_REQUEST"
    TO_SERVER_RPC_REQUEST = "TO_SERVER_RPC_REQUEST"
    RPC_CALL_FROM_SERVER_TO_DEVICE = "RPC_CALL_FROM_SERVER_TO_DEVICE"
    CONNECT_EVENT = "CONNECT_EVENT"
    DISCONNECT_EVENT = "DISCONNECT_EVENT"
    ACTIVITY_EVENT = "ACTIVITY_EVENT"
    INACTIVITY_EVENT = "INACTIVITY_EVENT"
    PROVISION_SUCCESS = "PROVISION_SUCCESS"
    PROVISION_FAILURE = "PROVISION_FAILURE"
    ATTRIBUTES_UPDATED = "ATTRIBUTES_UPDATED"
    ATTRIBUTES_DELETED = "ATTRIBUTES_DELETED"
    TIMESERIES_UPDATED = "TIMESERIES_UPDATED"
    TIMESERIES_DELETED = "TIMESERIES_DELETED"
    ENTITY_CREATED = "ENTITY_CREATED"
    ENTITY_UPDATED = "ENTITY_UPDATED"
    ENTITY_DELETED = "ENTITY_DELETED"
    ENTITY_ASSIGNED = "ENTITY_ASSIGNED"
    ENTITY_UNASSIGNED = "ENTITY_UNASSIGNED"
    ALARM = "ALARM"
    ALARM_CREATED = "ALARM_CREATED"
    ALARM_UPDATED = "ALARM_UPDATED"
    ALARM_SEVERITY_UPDATED = "ALARM_SEVERITY_UPDATED"
    ALARM_ACK = "ALARM_ACK"
    ALARM_CLEAR = "ALARM_CLEAR"
    ALARM_DELETE = "ALARM_DELETE"
    ALARM_ASSIGNED = "ALARM_ASSIGNED"
    ALARM_UNASSIGNED = "ALARM_UNASSIGNED"
    COMMENT_CREATED = "COMMENT_CREATED"
    COMMENT_UPDATED = "COMMENT_UPDATED"
    RELATION_ADD_OR_UPDATE = "RELATION_ADD_OR_UPDATE"
    RELATION_DELETED = "RELATION_DELETED"
    RELATIONS_DELETED = "RELATIONS_DELETED"


class Branches:
    """How many branches a message has opened on its way, counted by all of its copies together."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Message:
    """One message: what happened, to whom, when, with which data.

    ``data`` is parsed JSON (usually an object); for telemetry and attributes of a device its values
    are already typed (see ``kit.values``; JSON values are dicts or lists here, not text).
    ``metadata`` maps text to text. ``profile_id`` is the originator's profile when the sender knew
    it; ``rule_chain_id`` the chain to enter: ``ROOT_CHAIN`` for the tenant's root, None for what
    the originator's profile or, without one, the tenant's root says.

    ``executions`` counts the rule nodes passed, where the tenant's profile limits them;
    ``branches`` is None until there is more than one.

    Ownership: a sender gives the message away; a node that changes one makes a :meth:`copy`.
    """

    __slots__ = (
        "_id",
        "branches",
        "customer_id",
        "data",
        "executions",
        "metadata",
        "originator",
        "profile_id",
        "receipt",
        "rule_chain_id",
        "tenant_id",
        "ts_ms",
        "type",
    )

    def __init__(  # noqa: PLR0913 - one call per reading, no object to carry them
        self,
        type: str,  # noqa: A002 - the wire's word
        originator: EntityRef,
        tenant_id: UUID,
        data: Any,  # noqa: ANN401 - JSON is any of its types
        metadata: dict[str, str],
        *,
        ts_ms: int,
        receipt: Receipt | None = None,
        customer_id: UUID | None = None,
        profile_id: UUID | None = None,
        rule_chain_id: UUID | None = None,
    ) -> None:
        self._id: UUID | None = None
        self.type = type
        self.originator = originator
        self.tenant_id = tenant_id
        self.data = data
        self.metadata = metadata
        self.ts_ms = ts_ms
        self.receipt = receipt if receipt is not None else unattended()
        self.customer_id = customer_id
        self.profile_id = profile_id
        self.rule_chain_id = rule_chain_id
        self.executions = 0
        self.branches: Branches | None = None

    @property
    def id(self) -> UUID:
        """The message's id; made when first asked for, since most messages never need one."""
        if self._id is None:
            self._id = new_id()
        return self._id

    @property
    def metadata_ts_ms(self) -> int:
        """The time that the data speaks of: metadata ``ts`` when it is a number, else ``ts_ms``."""
        text = self.metadata.get("ts")
        if text is not None:
            try:
                return int(text)
            except ValueError:
                pass
        return self.ts_ms

    def data_text(self) -> str:
        """The data as JSON text."""
        return dumps_text(self.data)

    def copy(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the wire's word
        data: Any = None,  # noqa: ANN401 - JSON is any of its types
        metadata: dict[str, str] | None = None,
    ) -> "Message":
        """Return a message with the same id, origin and receipt and these parts changed."""
        message = Message(
            type if type is not None else self.type,
            self.originator,
            self.tenant_id,
            data if data is not None else self.data,
            metadata if metadata is not None else dict(self.metadata),
            ts_ms=self.ts_ms,
            receipt=self.receipt,
            customer_id=self.customer_id,
            profile_id=self.profile_id,
            rule_chain_id=self.rule_chain_id,
        )
        message._id = self._id
        message.executions = self.executions
        message.branches = self.branches
        return message
