"""Rule chains on ThingsBoard's wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, TenantIdField, WireId

RuleChainId = Annotated[UUID, WireId(EntityType.RULE_CHAIN)]
OptionalRuleChainId = Annotated[UUID | None, WireId(EntityType.RULE_CHAIN)]
OptionalRuleNodeId = Annotated[UUID | None, WireId(EntityType.RULE_NODE)]


class RuleChain(TbModel):
    """A rule chain without its nodes."""

    id: RuleChainId
    created_time: int
    tenant_id: TenantIdField
    name: str
    type: str
    first_rule_node_id: OptionalRuleNodeId
    root: bool
    debug_mode: bool
    configuration: dict[str, Any] | None
    additional_info: dict[str, Any] | None
    external_id: OptionalRuleChainId
    version: int


class RuleChainSave(TbModel):
    """A rule chain to create or, with an id, to change; the root is set by its own call."""

    id: OptionalRuleChainId = None
    name: str | None = None
    type: str | None = None
    debug_mode: bool = False
    configuration: dict[str, Any] | None = None
    additional_info: dict[str, Any] | None = None
    external_id: OptionalRuleChainId = None
    version: int | None = None


class DefaultRuleChainCreateRequest(TbModel):
    """Name of a new chain that gets the default nodes."""

    name: str | None = None


class RuleNode(TbModel):
    """A node of a chain."""

    id: OptionalRuleNodeId = None
    created_time: int = 0
    rule_chain_id: OptionalRuleChainId = None
    type: str = ""
    name: str = ""
    debug_settings: dict[str, Any] | None = None
    singleton_mode: bool = False
    queue_name: str | None = None
    configuration_version: int = 0
    configuration: dict[str, Any] | None = None
    external_id: OptionalRuleNodeId = None
    additional_info: dict[str, Any] | None = None


class RuleNodeSave(RuleNode):
    """A node to save; ``debugMode`` is what old chains have for ``debugSettings``."""

    debug_mode: bool = False


class NodeConnectionInfo(TbModel):
    """A connection, by index into the list of nodes."""

    from_index: int
    to_index: int
    type: str = Field(min_length=1, max_length=255)


class RuleChainMetaData(TbModel):
    """A chain's nodes and connections.

    Lists are empty when there are none: ThingsBoard's client for Python refuses its null.
    """

    rule_chain_id: RuleChainId
    version: int | None
    first_node_index: int | None
    nodes: list[RuleNode]
    connections: list[NodeConnectionInfo]
    rule_chain_connections: list[Any] = Field(default_factory=list)
    notes: list[Any] | None = Field(default=None, exclude_if=lambda notes: not notes)


class RuleChainMetaDataSave(TbModel):
    """Nodes and connections to save."""

    rule_chain_id: RuleChainId
    version: int | None = None
    first_node_index: int | None = None
    nodes: list[RuleNodeSave] | None = None
    connections: list[NodeConnectionInfo] | None = None
    rule_chain_connections: list[Any] | None = None
    notes: list[Any] | None = None


class ComponentDescriptor(TbModel):
    """What the console must know of a kind of node."""

    id: dict[str, UUID]
    created_time: int
    type: str
    scope: str
    clustering_mode: str
    name: str
    clazz: str
    configuration_descriptor: dict[str, Any]
    configuration_version: int
    actions: str | None
    has_queue_name: bool


class ScriptTestRequest(TbModel):
    """A script to try; ``msg`` is JSON as text."""

    script: str = Field(max_length=100_000)
    script_type: Literal["update", "generate", "filter", "switch", "json", "string"]
    arg_names: list[str] = Field(default=["msg", "metadata", "msgType"], max_length=3)
    msg: str = Field(default="{}", max_length=100_000)
    metadata: dict[str, str] = Field(default_factory=dict)
    msg_type: str = Field(default="POST_TELEMETRY_REQUEST", max_length=255)


class ScriptTestAnswer(TbModel):
    """What a script answered, or why it failed; the other one is empty."""

    output: str = ""
    error: str = ""


class RuleChainOutputLabelsUsage(TbModel):
    """A node that leads into a chain, and the labels of the chain that it goes on by."""

    rule_chain_id: RuleChainId
    rule_node_id: OptionalRuleNodeId
    rule_chain_name: str
    rule_node_name: str
    labels: list[str]
