import pytest

from fieldline.kit.errors import Invalid
from fieldline.kit.text import check_email, check_json, check_optional_text, check_text

BAD = ["<b>x</b>", "<script>", "</p", "a {{ 7*7 }} b", "{{\n}}", "nul\0", "\ud800"]
GOOD = ["a < b > c", "5 <6", "{ {x} }", "{{ open", "}} {{", "Ünï 🙂", "Röhre 3 & 4"]


@pytest.mark.parametrize("text", GOOD)
def test_takes_names_that_people_give(text: str) -> None:
    check_text("name", text)
    check_json("info", {text: [text]})


@pytest.mark.parametrize("text", BAD)
def test_refuses_markup_and_what_cannot_be_stored(text: str) -> None:
    with pytest.raises(Invalid):
        check_text("name", text)
    with pytest.raises(Invalid):
        check_json("info", {"a": [{"b": text}]})
    with pytest.raises(Invalid):
        check_json("info", {text: 1})


@pytest.mark.parametrize("text", [None, "", "  ", "\t\n"])
def test_a_name_must_be_there(text: str | None) -> None:
    with pytest.raises(Invalid, match="Device name should be specified!"):
        check_text("Device name", text)
    check_optional_text("label", None)
    check_optional_text("label", "")


def test_length_is_counted_in_characters() -> None:
    check_text("name", "🙂" * 255)
    with pytest.raises(Invalid, match="equal or less than 255"):
        check_text("name", "x" * 256)
    check_optional_text("address", "x" * 100_000, None)


def test_json_structure_is_no_template() -> None:
    check_json("info", {"a": {"b": {"c": "{{"}}})
    check_json("info", None)
    check_json("info", {"n": 1.5, "t": True, "l": [None]})


@pytest.mark.parametrize("address", ["a@example.com", "A.b+c@sub.example.org", "x_y'z@e-x.io"])
def test_takes_addresses(address: str) -> None:
    check_email(address)


@pytest.mark.parametrize(
    "address",
    [None, "", "a", "a@b", "a@b.c", "a b@example.com", "a@example.com\n", "é@example.com"],
)
def test_refuses_what_is_no_address(address: str | None) -> None:
    with pytest.raises(Invalid):
        check_email(address)


def test_json_that_cannot_be_encoded_again_is_refused() -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(Invalid, match="info is nested deeper than 100 levels"):
        check_json("info", {"a": deep})
    with pytest.raises(Invalid, match="beyond 64 bits"):
        check_json("info", [2**63])
