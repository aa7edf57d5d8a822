"""Every node that is discovered keeps the contract of nodes."""

import json

import pytest

from fieldline.rules.registry import NodeType, discover
from tests.conformance.node import SNAPSHOT, NodeContract


@pytest.mark.parametrize("node_type", list(discover()), ids=lambda node_type: node_type.module)
class TestNodes(NodeContract):
    """The contract, over all of them."""


def test_no_node_of_the_snapshot_is_gone() -> None:
    found: dict[str, NodeType] = {node_type.type: node_type for node_type in discover()}

    assert set(json.loads(SNAPSHOT.read_text())) == set(found)
