"""What the import contracts cannot say."""

from pathlib import Path

import grimp
import pytest

SRC = Path(__file__).parents[1] / "src" / "fieldline"
MAY_READ_OTHER_DOMAINS: frozenset[str] = frozenset()
"""Domains whose work it is to read other domains' tables (entity_query will be one)."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("fieldline", cache_dir=None)


def test_a_domains_repository_and_models_are_its_own(graph: grimp.ImportGraph) -> None:
    private = [
        module
        for module in graph.modules
        if module.startswith("fieldline.domains.")
        and module.split(".")[3:4] in (["models"], ["repository"])
    ]
    assert private
    for module in private:
        domain = ".".join(module.split(".")[:3])
        outsiders = {
            importer
            for importer in graph.find_modules_that_directly_import(module)
            if not importer.startswith(domain + ".")
            and importer.split(".")[2] not in MAY_READ_OTHER_DOMAINS
        }
        assert outsiders == set(), f"{module} is private to {domain}"


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    empty_names = {"core", "common", "utils", "util", "helpers", "helper", "misc", "manager"}

    found = [path for path in SRC.rglob("*") if path.stem in empty_names]

    assert found == []


def test_only_the_composition_root_and_commands_read_the_settings(
    graph: grimp.ImportGraph,
) -> None:
    readers = graph.find_modules_that_directly_import("fieldline.settings")

    assert readers
    assert {name.split(".")[1] for name in readers} <= {"app", "cli", "demo"}
