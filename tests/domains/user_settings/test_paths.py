from typing import Any

import pytest

from fieldline.domains.user_settings import paths
from fieldline.kit.errors import Invalid


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("A", ["A"]),
        ("A.B", ["A", "B"]),
        ("$.A.B", ["A", "B"]),
        ("A[0].B", ["A", 0, "B"]),
        ("A['b.c']", ["A", "b.c"]),
        ('$["a b"]', ["a b"]),
        ("['a'][1][2]", ["a", 1, 2]),
        ("$price", ["$price"]),
        (" A ", ["A"]),
        ("0", ["0"]),
        ("$", ["$"]),
    ],
)
def test_a_path_is_read(text: str, path: list[Any]) -> None:
    assert paths.parse(text) == path


@pytest.mark.parametrize(
    "text", ["", " ", ".", "A.", ".A", "A..B", "A[", "A[]", "A[x]", "A[-1]", "A]", "A['b]", "A[0]B"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not a path"):
        paths.parse(text)


def test_commas_part_paths_but_not_names_in_brackets() -> None:
    assert paths.parse_all("A,B.C,D['e,f']") == [["A"], ["B", "C"], ["D", "e,f"]]


def test_very_many_commas_are_read_in_no_time() -> None:
    with pytest.raises(Invalid):
        paths.parse_all("," * 200_000)


@pytest.mark.parametrize(
    ("key", "tree"),
    [
        ("B", {"A": {"x": 1}, "B": 5}),
        ("A", {"A": 5}),
        ("A.y", {"A": {"x": 1, "y": 5}}),
        ("A.x", {"A": {"x": 5}}),
        ("C.D.E", {"A": {"x": 1}, "C": {"D": {"E": 5}}}),
    ],
)
def test_a_dotted_key_sets_a_field(key: str, tree: dict[str, Any]) -> None:
    found: dict[str, Any] = {"A": {"x": 1}}

    paths.put(found, key, 5)

    assert found == tree


def test_a_parent_that_is_null_becomes_an_object() -> None:
    tree: dict[str, Any] = {"A": None}

    paths.put(tree, "A.B", 1)

    assert tree == {"A": {"B": 1}}


@pytest.mark.parametrize("key", ["", ".", "A.", ".A", "A..B", "A.x.y"])
def test_a_key_that_leads_nowhere_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        paths.put({"A": {"x": 1}}, key, 5)


@pytest.mark.parametrize(
    ("path", "tree"),
    [
        (["A"], {"B": [1, {"c": 2}]}),
        (["A", "x"], {"A": {}, "B": [1, {"c": 2}]}),
        (["B", 0], {"A": {"x": 1}, "B": [{"c": 2}]}),
        (["B", 1, "c"], {"A": {"x": 1}, "B": [1, {}]}),
        (["Z"], {"A": {"x": 1}, "B": [1, {"c": 2}]}),
        (["A", "x", "y"], {"A": {"x": 1}, "B": [1, {"c": 2}]}),
        (["B", 7], {"A": {"x": 1}, "B": [1, {"c": 2}]}),
        (["B", "c"], {"A": {"x": 1}, "B": [1, {"c": 2}]}),
        (["Z", "y", 0], {"A": {"x": 1}, "B": [1, {"c": 2}]}),
    ],
)
def test_what_is_at_a_path_is_removed(path: paths.Path, tree: dict[str, Any]) -> None:
    found: dict[str, Any] = {"A": {"x": 1}, "B": [1, {"c": 2}]}

    paths.remove(found, path)

    assert found == tree
