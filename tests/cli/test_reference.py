"""The pages of docs/reference are what the commands print: `make docs` makes them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldline.cli.main import app

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


PAGES = {"settings": "settings", "nodes": "nodes", "openapi": "api-v1"}
"""Command -> the page that it prints."""


@pytest.mark.parametrize("command", PAGES)
def test_the_page_is_up_to_date(command: str) -> None:
    printed = CliRunner().invoke(app, [command, "--markdown"]).stdout

    assert printed == (REFERENCE / f"{PAGES[command]}.md").read_text(), "run `make docs`"
