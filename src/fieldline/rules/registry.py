"""Finds every kind of rule node and knows what each declares.

A node is found because its file lies in ``rules/nodes/<kind>/``; nodes of third parties through
entry points of the group ``fieldline.rule_nodes``, whose name is ``<kind>.<anything>`` and whose
value is the class.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pydantic import BaseModel, ValidationError

from fieldline.kit.errors import Invalid
from fieldline.rules import nodes
from fieldline.rules.node import FAILURE, AsyncNode, Node

ENTRY_POINT_GROUP = "fieldline.rule_nodes"
KINDS = frozenset({"filter", "enrichment", "transformation", "action", "external", "flow"})
"""ThingsBoard's kinds of node: the console sorts by them, and each is the name of a folder."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """One kind of rule node."""

    kind: str
    module: str
    node: type[Node[Any]] | type[AsyncNode[Any]]

    @property
    def config(self) -> type[BaseModel]:
        return self.node.Config

    @property
    def type(self) -> str:
        return self.node.type

    @property
    def description(self) -> str:
        """The first paragraph of the node's documentation, as one line."""
        return " ".join((inspect.getdoc(self.node) or "").split("\n\n", 1)[0].split())

    def defaults(self) -> dict[str, Any]:
        """Return the default configuration as it is on the wire."""
        return self.config().model_dump(mode="json", by_alias=True)


class Registry:
    """The kinds of node by their wire type.

    Raises:
        ValueError: two nodes declare the same type.
    """

    def __init__(self, node_types: list[NodeType]) -> None:
        self._types: dict[str, NodeType] = {}
        for node_type in node_types:
            other = self._types.setdefault(node_type.type, node_type)
            if other is not node_type:
                msg = (
                    f"the rule nodes {other.module} and {node_type.module} declare the same type "
                    f"{node_type.type}; each needs its own"
                )
                raise ValueError(msg)

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self._types.values())

    def find(self, node_type: str) -> NodeType:
        """Return a kind of node.

        Raises:
            Invalid: nothing is known by that type.
        """
        found = self._types.get(node_type)
        if found is None:
            msg = (
                f"there is no rule node of type '{node_type}'; `fieldline nodes` lists the types "
                "that there are"
            )
            raise Invalid(msg)
        return found

    def make(self, node_type: str, configuration: Mapping[str, Any]) -> Node[Any] | AsyncNode[Any]:
        """Make a node from a stored configuration of the current version.

        Raises:
            Invalid: the type is not known, or the configuration is not valid.
        """
        found = self.find(node_type)
        return found.node(_validate(found, found.node.name, configuration))

    def prepare(
        self, node_type: str, name: str, configuration: Mapping[str, Any] | None, version: int
    ) -> tuple[dict[str, Any], int]:
        """See ``domains.rule_chain.graph.NodeCatalogue``."""
        found = self.find(node_type)
        current = found.node.configuration_version
        if configuration is None:
            return found.defaults(), current
        wanted = dict(configuration)
        if version < current:
            wanted = found.node.upgrade(wanted, version)
        _validate(found, name, wanted)
        return wanted, current

    def describe(self) -> list[dict[str, Any]]:
        """Return a component descriptor of every node, as ThingsBoard's wire has it."""
        return [_descriptor(node_type) for node_type in self]


@cache
def discover() -> Registry:
    """Return the registry of all nodes that are installed."""
    return Registry([*_built_in(), *_third_party()])


def _built_in() -> list[NodeType]:
    found = []
    for folder in pkgutil.iter_modules(nodes.__path__):
        package = importlib.import_module(f"{nodes.__name__}.{folder.name}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            found.extend(_nodes_of(folder.name, module.name))
    return found


def _nodes_of(kind: str, module_name: str) -> list[NodeType]:
    module = importlib.import_module(module_name)
    return [
        NodeType(kind, module_name, value)
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, (Node, AsyncNode))
        and value.__module__ == module_name
        and not inspect.isabstract(value)
    ]


def _third_party() -> list[NodeType]:
    found = []
    for point in entry_points(group=ENTRY_POINT_GROUP):
        kind = point.name.split(".", 1)[0]
        if kind not in KINDS:
            msg = (
                f"the entry point {point.name} = {point.value} names no kind of rule node; "
                f"its name begins with one of {', '.join(sorted(KINDS))} and a dot"
            )
            raise ValueError(msg)
        found.append(NodeType(kind, point.module, point.load()))
    return found


def _validate(found: NodeType, name: str, configuration: Mapping[str, Any]) -> BaseModel:
    try:
        return found.config.model_validate(configuration)
    except ValidationError as error:
        raise Invalid(f"'{name}' node configuration is invalid: {_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        parts.append(f"{place}: {text}" if place else text)
    return "; ".join(parts)


def _descriptor(node_type: NodeType) -> dict[str, Any]:
    node = node_type.node
    return {
        "id": {"id": uuid5(NAMESPACE_OID, node.type)},
        "createdTime": 0,
        "type": node_type.kind.upper(),
        "scope": "TENANT",
        "clusteringMode": "ENABLED",
        "name": node.name,
        "clazz": node.type,
        "configurationDescriptor": {
            "nodeDefinition": {
                "details": inspect.getdoc(node) or "",
                "description": node_type.description,
                "inEnabled": True,
                "outEnabled": True,
                "relationTypes": [*node.relations, FAILURE],
                "customRelations": node.has_custom_relations,
                "ruleChainNode": False,
                "defaultConfiguration": node_type.defaults(),
                "uiResources": [],
                "configDirective": node.form,
                "icon": node.icon,
                "iconUrl": "",
                "docUrl": "",
                "hasScript": "script_lang" in node_type.config.model_fields,
                "configurationSchema": node_type.config.model_json_schema(by_alias=True),
            }
        },
        "configurationVersion": node.configuration_version,
        "actions": None,
        "hasQueueName": False,
    }
