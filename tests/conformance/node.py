"""The contract of every rule node: what its one file must declare."""

import importlib
import inspect
import json
from pathlib import Path

from pydantic import BaseModel

from fieldline.rules.node import FAILURE, AsyncNode, Node
from fieldline.rules.registry import KINDS, NodeType

SNAPSHOT = Path(__file__).with_name("node_types.json")
"""Wire type -> kind and file of every node; a type never changes, chains are stored with it."""
TESTS = Path(__file__).parents[1] / "rules" / "nodes"


class NodeContract:
    """Inherit and give ``node_type``."""

    def test_is_documented_with_an_example(self, node_type: NodeType) -> None:
        text = inspect.getdoc(node_type.node) or ""
        module = importlib.import_module(node_type.module)

        assert node_type.description
        assert "Example:" in text
        assert (module.__doc__ or "").startswith(f"{node_type.kind.capitalize()}: ")

    def test_every_setting_is_typed_and_has_a_default(self, node_type: NodeType) -> None:
        defaults = node_type.defaults()

        assert issubclass(node_type.config, BaseModel)
        assert node_type.config.model_validate(defaults) == node_type.config()
        assert json.loads(json.dumps(defaults)) == defaults

    def test_the_defaults_can_be_saved_as_they_are(self, node_type: NodeType) -> None:
        node = node_type.node(node_type.config())

        assert isinstance(node, Node | AsyncNode)

    def test_an_empty_configuration_of_the_oldest_version_can_be_upgraded(
        self, node_type: NodeType
    ) -> None:
        upgraded = node_type.node.upgrade({}, 0)

        node_type.config.model_validate(upgraded)

    def test_relations_are_named_once_and_failure_is_understood(self, node_type: NodeType) -> None:
        labels = [label.lower() for label in node_type.node.relations]

        assert len(set(labels)) == len(labels)
        assert FAILURE.lower() not in labels

    def test_lies_in_the_folder_of_its_kind(self, node_type: NodeType) -> None:
        assert node_type.module.split(".")[-2] == node_type.kind
        assert node_type.kind in KINDS

    def test_has_a_test_of_the_same_name(self, node_type: NodeType) -> None:
        name = node_type.module.split(".")[-1]

        assert (TESTS / node_type.kind / f"test_{name}.py").is_file()

    def test_its_type_is_in_the_snapshot(self, node_type: NodeType) -> None:
        known = json.loads(SNAPSHOT.read_text())
        where = ".".join(node_type.module.split(".")[-2:])

        assert known.get(node_type.type) == where
