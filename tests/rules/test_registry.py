"""Finding nodes, and what is said of a configuration that is not valid."""

import pytest

from fieldline.kit.errors import Invalid
from fieldline.messaging.message import Message
from fieldline.rules.node import Context, EmptyConfig, Node, Outcome, follow
from fieldline.rules.registry import NodeType, Registry, discover
from tests.rules.support import Tap

SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"
SCRIPT = "org.thingsboard.rule.engine.filter.TbJsFilterNode"


class Twin(Node[EmptyConfig]):
    """Has the type of another node."""

    name = "twin"
    type = Tap.type

    def process(self, message: Message, context: Context) -> Outcome:
        del context
        return follow("Success", message)


def test_two_nodes_of_one_type_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"one\.module and other\.module"):
        Registry([NodeType("action", "one.module", Tap), NodeType("filter", "other.module", Twin)])


def test_an_unknown_type_says_where_to_look() -> None:
    with pytest.raises(Invalid, match="fieldline nodes"):
        discover().find("org.example.Nothing")


def test_a_missing_configuration_becomes_the_defaults() -> None:
    configuration, version = discover().prepare(SAVE, "save", None, 0)

    assert configuration["processingSettings"] == {"type": "ON_EVERY_MESSAGE"}
    assert version == 1


def test_an_invalid_configuration_names_node_and_setting() -> None:
    broken = {"defaultTTL": -1, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}

    with pytest.raises(Invalid, match="'my save' node configuration is invalid: defaultTTL"):
        discover().prepare(SAVE, "my save", broken, 1)


def test_unknown_settings_are_kept_and_ignored() -> None:
    configuration, _ = discover().prepare(SAVE, "save", {"new": 1}, 1)

    assert configuration == {"new": 1}


@pytest.mark.parametrize(
    ("configuration", "word"),
    [
        ({"scriptLang": "TBEL", "tbelScript": "return 1;", "jsScript": ""}, "JavaScript"),
        ({"scriptLang": "JS", "jsScript": "await x;", "tbelScript": ""}, "await"),
        ({"scriptLang": "JS", "jsScript": "x" * 50_001, "tbelScript": ""}, "50000"),
        ({"scriptLang": "RUBY"}, "JS"),
    ],
)
def test_refuses_scripts_that_cannot_run(configuration: dict[str, str], word: str) -> None:
    with pytest.raises(Invalid, match=word):
        discover().prepare(SCRIPT, "script", configuration, 0)


def test_a_chain_from_before_tbel_is_javascript() -> None:
    node = discover().make(SCRIPT, {"jsScript": "return true;"})

    assert node.config.script_lang == "JS"


def test_describes_every_node_for_the_console() -> None:
    described = {item["clazz"]: item for item in discover().describe()}

    definition = described[SCRIPT]["configurationDescriptor"]["nodeDefinition"]
    assert definition["relationTypes"] == ["True", "False", "Failure"]
    assert definition["hasScript"] is True
    assert definition["defaultConfiguration"]["scriptLang"] == "TBEL"
